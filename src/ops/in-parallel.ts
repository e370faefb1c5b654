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

/** Runs all tasks, `width` at a time, also after one has failed. Rejects with the first error once all are done. */
export async function runAll(tasks: readonly Task[], width: number): Promise<void> {
  const errors: unknown[] = [];
  const noting = tasks.map((task) => () => task().catch((error: unknown) => void errors.push(error)));
  await inParallel(noting, width);
  if (errors.length > 0) {
    throw errors[0];
  }
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
