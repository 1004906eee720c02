/**
 * Runs tasks ahead of their consumer and yields their results in the order of the tasks, whatever their timing.
 * At most `ahead` tasks run at a time; while the consumer works on one result, up to `ahead` further ones are under way
 * or waiting, so memory holds at most `ahead + 1` results.
 *
 * The error of a task is thrown at its place in the order, after the results of earlier tasks. After an error, or when
 * the consumer leaves its loop early, no further task starts and those under way are waited for.
 * Throws a RangeError when `ahead` is not a positive whole number.
 */
export async function* prefetch<T>(tasks: Iterable<() => Promise<T>>, ahead: number): AsyncGenerator<T, void, undefined> {
  if (!(Number.isInteger(ahead) && ahead > 0)) throw new RangeError(`Read-ahead must be a positive whole number, not ${ahead}.`);
  const iterator = tasks[Symbol.iterator]();
  const underWay: Promise<T>[] = [];
  const fill = (): void => {
    while (underWay.length < ahead) {
      const next = iterator.next();
      if (next.done) return;
      const result = (async () => next.value())();
      result.catch(() => {}); // it is awaited later; until then its failure must not count as unhandled
      underWay.push(result);
    }
  };
  try {
    fill();
    for (let first = underWay.shift(); first !== undefined; first = underWay.shift()) {
      const result = await first;
      fill();
      yield result;
    }
  } finally {
    iterator.return?.();
    await Promise.allSettled(underWay);
  }
}
