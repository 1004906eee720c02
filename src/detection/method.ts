import type { Tensor } from "../graph/index.ts";
import type { Schedule, TrainingStep } from "../nn/index.ts";
import type { Runtime, Value, Values } from "../runtime/index.ts";
import { decidingPart, type Listener, type OptimisationSettings, type RunFiles } from "../training/index.ts";
import type { DetectorDescription } from "./contract.ts";
import type { PreparedImages } from "./prepared-images.ts";
import type { Region } from "./region.ts";
import { imageScoreOf, type ScoreSettings } from "./score.ts";
import type { DetectorConfig, Settled } from "./settings.ts";

/** What the configuration of a method of detection holds beside its own: see `optimisationSettings` and `scoreFields`. */
export interface MethodConfig extends DetectorConfig {
  readonly training: OptimisationSettings;
  readonly score: ScoreSettings;
}

/** The graph of a finished detector: the file's input and outputs (see `writeDetector`). */
export type DetectorGraph = { readonly image: Tensor; readonly map: Tensor; readonly score: Tensor } & Readonly<
  Record<string, Tensor>
>;

/** What one network is trained from. */
export interface TrainingWork<Config extends MethodConfig> {
  readonly config: Settled<Config>;
  /** The images it is trained on. */
  readonly images: PreparedImages;
  /** Its own folder: of the run, or of one of the networks for the threshold. */
  readonly files: RunFiles;
  readonly listener?: Listener;
  readonly signal?: AbortSignal;
}

/** What a trained network is turned into the finished detector with. */
export interface Trained<Config extends MethodConfig> {
  readonly runtime: Runtime;
  /** Weights and running statistics. */
  readonly network: ReadonlyMap<string, Value>;
  readonly config: Settled<Config>;
  /** The images it was trained on. */
  readonly images: PreparedImages;
  /** Undefined when all of an image is of interest. */
  readonly region: Region | undefined;
}

/** A method of detection: what differs from one system to the next in training. */
export interface Method<Config extends MethodConfig> {
  readonly system: string;
  /** What decides the weights (see `weightSettings`): something else is another training. */
  weightsOf(config: Settled<Config>): unknown;
  /** What prepared images hold instead of the network's input, see `PreparationOptions.keep`. */
  keep?(config: Settled<Config>): (x: Tensor) => Tensor;
  step(config: Settled<Config>, images: PreparedImages): TrainingStep;
  /** Default: what the settings ask for. */
  learningRate?(config: Settled<Config>): Schedule;
  /** Batches by number (from 1): a function of (seed, number) alone. */
  batches(work: TrainingWork<Config>): Promise<(number: number) => Promise<Values>>;
  /** Changes the network's first values, which are in the runtime's state, by what the images show: once, before the first step. */
  begin?(work: Pick<Trained<Config>, "runtime" | "config" | "images">): Promise<void>;
  finish(trained: Trained<Config>): Promise<DetectorGraph>;
  /** The graph of an unfinished training: without what only images can tell. */
  unfinished(network: ReadonlyMap<string, Value>, config: Settled<Config>, region: Region | undefined): DetectorGraph;
  /** How the image's score follows from the map. Default: what the settings ask for. */
  imageScore?(config: Settled<Config>): DetectorDescription["imageScore"];
  /** What the manifest and the model's file say beyond the common, such as a teacher's name and digest. */
  readonly provenance?: Readonly<Record<string, unknown>>;
}

/** Makes the method that a configuration asks for: reads a teacher, say. */
export type MethodOf<Config extends MethodConfig> = (
  config: Config,
  watch: { readonly listener?: Listener; readonly signal?: AbortSignal },
) => Promise<Method<Config>>;

/** The part of a configuration that decides the weights: all but how maps are scored, where the threshold lies, and how memory and disk are used. */
export const weightSettings = ({ score: _, validation, training, ...rest }: Settled<MethodConfig>): Record<string, unknown> => {
  const { roi, ...image } = rest.image; // the picture counts, not where it lies
  return { ...rest, image, optimisation: decidingPart(training), share: validation.share, folds: validation.folds };
};

/** What a model's file says about itself, but for its threshold. */
export const describeDetector = <Config extends MethodConfig>(
  method: Method<Config>,
  config: Settled<Config>,
  region: Region | undefined,
  provenance: unknown,
): DetectorDescription => ({
  system: method.system,
  preprocess: { ...config.image, proportions: region?.proportions },
  imageScore: method.imageScore?.(config) ?? imageScoreOf(config.score),
  config,
  threshold: undefined,
  provenance,
});
