import type { z } from "zod";
import type { Baseline, CostTable } from "../detection/index.ts";
import type { SkippedFile } from "../imaging/index.ts";
import type { CostModel, Measure } from "../metrics/index.ts";
import type { Comparison, ReportData } from "../report/index.ts";
import type { Provider } from "../runtime/index.ts";
import type { Listener } from "../training/index.ts";

export type { Baseline };

export interface WorkOptions {
  readonly threads?: number;
  /** Images that are decoded at once. */
  readonly workers?: number;
  /** Where it is computed. Default "cpu". */
  readonly provider?: Provider;
  readonly listener?: Listener;
  /** Saves and stops at the next safe point. */
  readonly signal?: AbortSignal;
}

export interface TrainRequestOf<Config> extends WorkOptions {
  readonly data: string;
  /** The run folder. */
  readonly out: string;
  readonly config: Config;
  readonly resume?: boolean;
}

/** A request whose configuration is still to be checked against the system's schema. */
export type TrainRequest = TrainRequestOf<unknown>;

export interface TrainSummary {
  /** False when the signal stopped it. */
  readonly finished: boolean;
  readonly step: number;
  readonly skipped: readonly SkippedFile[];
}

export interface EvaluateRequest extends WorkOptions {
  /** The run folder. */
  readonly run: string;
  readonly data: string;
  /** Where the report goes. Default: the run folder. */
  readonly out?: string;
  /** What mistakes cost, for the threshold of least cost. */
  readonly costs?: CostModel;
  /** Train and compare variants of the run as well. */
  readonly ablation?: AblationRequest;
}

export interface AblationRequest {
  /** Steps of every training. Default: the run's. */
  readonly steps?: number;
  /** Minutes of every training, instead of steps. */
  readonly minutes?: number;
  /** Strengths of Gaussian noise, for the systems that try it. */
  readonly sigmas?: readonly number[];
  /** Seeds of the trainings, for the systems that repeat them. Default: the run's. */
  readonly seeds?: readonly number[];
  /** Kinds of forgery that are left out, each in trainings of its own, for the system that does. Default: all. */
  readonly leaveOut?: readonly string[];
}

/** What an evaluation found, as the doors show it. */
export interface Evaluated {
  /** `{ image_auroc: { value, low, high }, ... }`. */
  readonly measures: Readonly<Record<string, Measure>>;
  /** Test images that were judged, and how long each took. */
  readonly images: number;
  readonly secondsPerImage: number;
  readonly failures: readonly SkippedFile[];
  /** Thresholds and what they cost, where that was asked. */
  readonly costs?: CostTable;
  /** The report's file, and what it shows. */
  readonly report: string;
  readonly page: ReportData;
}

export interface PredictRequest extends WorkOptions {
  /** The model file. */
  readonly model: Uint8Array;
  /** Files and folders. */
  readonly inputs: readonly string[];
  /** Folder for what is written. */
  readonly out: string;
  /** Micrometres per pixel, where files do not say it. */
  readonly micronsPerPixel?: number;
  /** The folder of the model file, with what else belongs to it. */
  readonly beside?: string;
  /** Leaves who a patient is in what is written. Default: it is taken out. */
  readonly keepIdentity?: boolean;
  /** Uses labels that lie beside the images, for the system that makes labels. Default: its own. */
  readonly givenLabels?: boolean;
}

export interface Predicted {
  /** What is said of each input, a line or more. */
  readonly lines: readonly string[];
  /** The same for machines. */
  readonly predictions: readonly unknown[];
  readonly failures: readonly SkippedFile[];
}

export interface DemoRequest extends WorkOptions {
  /** Folder for everything it makes. */
  readonly out: string;
  /** Says a line. */
  readonly say: (text: string) => void;
  /** Goes on with the training that lies there. Default: begins anew. */
  readonly resume?: boolean;
}

export interface Demonstrated {
  readonly measures: Readonly<Record<string, Measure>>;
  readonly baselines: Readonly<Record<string, Readonly<Record<string, Measure>>>>;
  readonly tables: readonly Comparison[];
  readonly report: string;
  /** A run that can be predicted with, and what it can be tried on. */
  readonly next: { readonly run: string; readonly input: string };
}

/** What the doors know of a system. A new system is a folder, and a line in the registry. */
export interface System {
  readonly name: string;
  /** One sentence for lists and help. */
  readonly summary: string;
  /** What is predicted, in the commands that are proposed. Default: IMAGE. */
  readonly predicts?: string;
  /** What images of either class are called. Default: normal and anomalous. */
  readonly classNames?: { readonly normal: string; readonly anomalous: string };
  readonly configSchema: z.ZodType;
  /** Partial configurations by name; `small` is the default. */
  readonly presets: Readonly<Record<string, unknown>>;
  /** What benchmark and demo show beside a network of this configuration, and beside what they show for every system. */
  baselines?(config: unknown): Promise<readonly Baseline[]>;
  train(request: TrainRequest): Promise<TrainSummary>;
  /** The run's model file, from its last checkpoint where training has not written one. */
  rebuildModel(run: string): Promise<Uint8Array>;
  /** Evaluates a run. @throws the signal's reason when it was interrupted. */
  evaluateRun(request: EvaluateRequest): Promise<Evaluated>;
  /** Evaluates a model file. Default: as detectors do. */
  evaluateModel?(
    request: Omit<EvaluateRequest, "run"> & { readonly model: Uint8Array; readonly out: string },
  ): Promise<Evaluated>;
  /** Predicts files. Default: as detectors do. */
  predict?(request: PredictRequest): Promise<Predicted>;
  /** Says what it understands of a file or a data set; undefined where it is not for it. */
  inspect?(request: {
    readonly path: string;
    /** Where a picture of it goes. */
    readonly out: string | undefined;
    readonly micronsPerPixel?: number;
  }): Promise<{ readonly lines: readonly string[]; readonly facts: Readonly<Record<string, unknown>> } | undefined>;
  /** A small run on data that it makes itself. Default: as detectors do, on painted surfaces. */
  demo?(request: DemoRequest): Promise<Demonstrated>;
}
