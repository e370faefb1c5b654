export type Task = () => Promise<void>;

/** Runs tasks, `width` at a time, until there is none left or `isOver`; rejects when one of them does. */
export async function inParallel(tasks: Iterable<Task>, width: number, isOver = () => false): Promise<void> {
  const left = tasks[Symbol.iterator]();
  const work = async () => {
    while (!isOver()) {
      const next = left.next();
      if (next.done) {
        return;
      }
      await next.value();
    }
  };
  await Promise.all(Array.from({ length: width }, work));
}

/** One of each list in turn, then what is left of the longer one. */
export function* alternate<T>(one: Iterable<T>, other: Iterable<T>): Generator<T> {
  const lists = [one[Symbol.iterator](), other[Symbol.iterator]()];
  for (let list = lists.shift(); list !== undefined; list = lists.shift()) {
    const next = list.next();
    if (!next.done) {
      lists.push(list);
      yield next.value;
    }
  }
}
