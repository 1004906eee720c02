import type { z } from "zod";
import type { EvaluateResult } from "../detection/index.ts";
import type { SkippedFile } from "../imaging/index.ts";
import type { CostModel } from "../metrics/index.ts";
import type { Provider } from "../runtime/index.ts";
import type { Listener } from "../training/index.ts";

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
  /** Train and compare the baselines as well. */
  readonly ablation?: { readonly steps?: number; readonly sigmas?: readonly number[] };
}

/** What the doors know of a system. A new system is a folder, and a line in the registry. */
export interface System {
  readonly name: string;
  /** One sentence for lists and help. */
  readonly summary: string;
  readonly configSchema: z.ZodType;
  /** Partial configurations by name; `small` is the default. */
  readonly presets: Readonly<Record<string, unknown>>;
  train(
    request: TrainRequest,
  ): Promise<{ readonly finished: boolean; readonly step: number; readonly skipped: readonly SkippedFile[] }>;
  /** The run's model file, from its last checkpoint where training has not written one. */
  rebuildModel(run: string): Promise<Uint8Array>;
  /** Evaluates a run. @throws the signal's reason when it was interrupted. */
  evaluateRun(request: EvaluateRequest): Promise<EvaluateResult>;
}
