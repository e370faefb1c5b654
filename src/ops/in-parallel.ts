export type Task = () => Promise<void>;

/** Runs tasks, `width` at a time, until none is left or `isOver()` is true. Rejects as soon as a task does. */
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

/** Takes items from both lists in turn, then the rest of the longer one. */
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
