/** Carries out work in the order it was asked for, each piece after the end of the one before, also where that failed. */
export type Turns = <Result>(work: () => Promise<Result>) => Promise<Result>;

export const openTurns = (): Turns => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
};

/**
 * The turns of everything that touches the graphics device: two sessions at work at once, in whatever threads, end the process
 * (ONNX Runtime 1.30). They hold for the runtimes opened in one thread, with the worker threads of these.
 */
export const deviceTurns: Turns = openTurns();
