import { openRuntime, type RuntimeOptions } from "../runtime/index.ts";
import { type TrainingOptions, type TrainingResult, train } from "./loop.ts";
import { type OptimisationSettings, scheduleOf } from "./optimisation.ts";

export interface SettledTraining
  extends Omit<TrainingOptions, "runtime" | "learningRate" | "checkpointEvery">,
    Pick<RuntimeOptions, "threads" | "provider"> {
  readonly settings: OptimisationSettings;
}

/** Trains as settings say, in a runtime of its own, which is closed afterwards. Errors: as `train`. */
export const trainBySettings = async ({ settings, threads, provider, ...options }: SettledTraining): Promise<TrainingResult> => {
  const runtime = openRuntime({ threads, provider });
  try {
    options.listener?.({ kind: "stage", text: "compiling the training step" });
    const { checkpointEvery } = settings;
    return await train({ ...options, runtime, learningRate: scheduleOf(settings), checkpointEvery });
  } finally {
    await runtime.close();
  }
};
