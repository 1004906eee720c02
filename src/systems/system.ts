import type { z } from "zod";
import type { Baseline, CostTable } from "../detection/index.ts";
import type { SkippedFile } from "../imaging/index.ts";
import type { CostModel, Measure } from "../metrics/index.ts";
import type { ReportData } from "../report/index.ts";
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

export interface TrainRequest extends WorkOptions {
  readonly data: string;
  readonly out: string;
  /** Checked against the system's schema. */
  readonly config: unknown;
  readonly resume?: boolean;
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

/** What the doors know of a system. A new system is a folder, and a line in the registry. */
export interface System {
  readonly name: string;
  /** One sentence for lists and help. */
  readonly summary: string;
  readonly configSchema: z.ZodType;
  /** Partial configurations by name; `small` is the default. */
  readonly presets: Readonly<Record<string, unknown>>;
  /** What benchmark and demo show beside a network of this configuration, and beside what they show for every system. */
  baselines?(config: unknown): Promise<readonly Baseline[]>;
  train(
    request: TrainRequest,
  ): Promise<{ readonly finished: boolean; readonly step: number; readonly skipped: readonly SkippedFile[] }>;
  /** The run's model file, from its last checkpoint where training has not written one. */
  rebuildModel(run: string): Promise<Uint8Array>;
  /** Evaluates a run. @throws the signal's reason when it was interrupted. */
  evaluateRun(request: EvaluateRequest): Promise<Evaluated>;
}
