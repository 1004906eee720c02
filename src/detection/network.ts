import { openRuntime, type Provider } from "../runtime/index.ts";
import { type Listener, type RunFiles, scheduleOf, train as trainLoop } from "../training/index.ts";
import { type DetectorDescription, writeDetector } from "./contract.ts";
import { type Detector, openDetector } from "./detector.ts";
import type { DetectorGraph, Method, MethodConfig } from "./method.ts";
import type { PreparedImages } from "./prepared-images.ts";
import type { Region } from "./region.ts";
import type { Settled } from "./settings.ts";

/** What all networks of one run have in common: the run's own, and those for its threshold. */
export interface RunOfNetworks<Config extends MethodConfig> {
  readonly method: Method<Config>;
  readonly config: Settled<Config>;
  readonly region: Region | undefined;
  /** What its model's file says, but for the threshold. */
  readonly description: DetectorDescription;
  /** Go on from checkpoints where there are any. */
  readonly resume: boolean;
  readonly threads: number;
  readonly workers: number;
  readonly provider: Provider;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/** Trains one network from some of the images, to its finished graph; that is undefined where the signal stopped it. */
export const trainNetwork = async <Config extends MethodConfig>(
  { method, config, region, resume, threads, provider, listener, signal }: RunOfNetworks<Config>,
  images: PreparedImages,
  files: RunFiles,
  digest: string,
): Promise<{ readonly step: number; readonly graph: DetectorGraph | undefined }> => {
  const runtime = openRuntime({ threads, provider });
  try {
    listener?.({ kind: "stage", text: "compiling the training step" });
    const { network, step, finished } = await trainLoop({
      runtime,
      step: method.step(config, images),
      batch: await method.batches({ config, images, files, listener, signal }),
      steps: config.training.steps,
      learningRate: method.learningRate?.(config) ?? scheduleOf(config.training),
      files,
      digest,
      resume,
      begin: async () => method.begin?.({ runtime, config, images }),
      checkpointEvery: config.training.checkpointEvery,
      listener,
      signal,
    });
    if (!finished) return { step, graph: undefined };
    listener?.({ kind: "stage", text: "calibrating" });
    return { step, graph: await method.finish({ runtime, network, config, images, region }) };
  } finally {
    await runtime.close();
  }
};

/** The network's detector, to score images with. */
export const openScorer = <Config extends MethodConfig>(
  { description, threads, provider }: RunOfNetworks<Config>,
  graph: DetectorGraph,
): Promise<Detector> => openDetector(writeDetector(graph, description), { threads, provider });
