import { type LoadedProgram, openRuntime, type Runtime } from "../runtime/index.ts";

/** A runtime that prepares images with `threads` threads, and with one from `leaveThreads` on: the others then belong to the training. */
export const openPreparingRuntime = (threads: number): Runtime & { leaveThreads(): Promise<void> } => {
  let runtime = openRuntime({ threads });
  return {
    load: async (program): Promise<LoadedProgram> => {
      let owner = runtime;
      let loaded = owner.load(program);
      await loaded;
      return {
        run: async (feeds) => {
          if (owner !== runtime) {
            owner = runtime;
            loaded = owner.load(program);
          }
          return (await loaded).run(feeds);
        },
      };
    },
    readState: (names) => runtime.readState(names),
    writeState: (values) => runtime.writeState(values),
    leaveThreads: async () => {
      if (threads === 1) return;
      const before = runtime;
      runtime = openRuntime({ threads: 1 });
      await before.close();
    },
    close: () => runtime.close(),
  };
};
