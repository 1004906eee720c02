/** A value with the bounds of its 95 % interval; without bounds only the value is shown. */
export type Estimate = { readonly value: number; readonly low?: number; readonly high?: number };

/** One number of the summary, for example the image AUROC of the test set. */
export type Measure = Estimate & { readonly name: string; readonly unit?: string; readonly note?: string };

/** What a reader must know before trusting the numbers; "caution" is set off more strongly. */
export type Notice = { readonly text: string; readonly tone?: "information" | "caution" };

/** A horizontal and a vertical coordinate. */
export type Point = readonly [number, number];

/** One line of a training chart. Points that are not finite leave a gap. */
export type Series = { readonly label: string; readonly points: readonly Point[] };

/** One chart of the training section, such as "loss over steps". */
export type TrainingChart = {
  readonly title: string;
  readonly horizontal: string;
  readonly vertical: string;
  readonly series: readonly Series[];
};

/** Image scores by truth: higher is more anomalous. */
export type Scores = { readonly normal: readonly number[]; readonly anomalous: readonly number[]; readonly threshold?: number };

/** A quality curve, its points in ascending order of the horizontal coordinate. */
export type Curve = {
  readonly label: string;
  readonly points: readonly Point[];
  readonly area?: Estimate;
  /** Where the chosen threshold lies on the curve. */
  readonly operatingPoint?: Point;
};

/** Counts of images at the chosen threshold. */
export type Confusion = {
  readonly truePositive: number;
  readonly falseNegative: number;
  readonly falsePositive: number;
  readonly trueNegative: number;
};

/** How well one kind of anomaly is found. */
export type KindResult = {
  readonly kind: string;
  readonly images: number;
  readonly auroc?: Estimate;
  /** Images of this kind whose score reaches the threshold. */
  readonly detected?: number;
};

/** A cell of a comparison: text, a number, an estimate with its interval, or null for "not measured". */
export type Cell = string | number | Estimate | null;

/** A table of ablations or baselines. The best cell of a column is marked where `better` is given. */
export type Comparison = {
  readonly title: string;
  readonly note?: string;
  readonly columns: readonly { readonly name: string; readonly better?: "higher" | "lower" }[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly Cell[]; readonly emphasis?: boolean }[];
};

/** An encoded JPEG or PNG with the word shown beneath it ("input", "restored", "heat map", "mask outline"). */
export type Picture = { readonly caption: string; readonly bytes: Uint8Array; readonly alternative?: string };

/** One image of the run with the pictures that explain its score. */
export type Case = {
  readonly name: string;
  readonly pictures: readonly Picture[];
  readonly score?: number;
  /** The truth about the image, for example "good" or "crack". */
  readonly label?: string;
  readonly outcome?: "detected" | "missed" | "passed" | "false alarm";
  readonly caption?: string;
};

/** A row of cases under one heading, such as "Strongest false alarms". */
export type CaseGroup = { readonly title: string; readonly note?: string; readonly cases: readonly Case[] };

/** A file that could not be read. */
export type Failure = { readonly file: string; readonly reason: string };

/** Plain nested values, as configuration files hold them. */
export type Nested = string | number | boolean | null | undefined | readonly Nested[] | { readonly [key: string]: Nested };

/**
 * Everything a report can show. Only the title and the system are required; a section
 * whose data is missing or empty is left out. All text may be hostile: it is escaped.
 */
export type ReportData = {
  readonly title: string;
  /** The name of the system that produced the run, for example "denoising". */
  readonly system: string;
  readonly subtitle?: string;
  readonly notices?: readonly Notice[];
  readonly measures?: readonly Measure[];
  readonly caseGroups?: readonly CaseGroup[];
  readonly scores?: Scores;
  readonly confusion?: Confusion;
  /** False positive rate against true positive rate. */
  readonly roc?: readonly Curve[];
  /** False positive rate of pixels against per-region overlap. */
  readonly pro?: readonly Curve[];
  /** Up to which false positive rate the PRO curve is drawn and integrated; 0.3 unless given. */
  readonly proLimit?: number;
  /** Recall against precision. */
  readonly precisionRecall?: readonly Curve[];
  readonly kinds?: readonly KindResult[];
  readonly comparisons?: readonly Comparison[];
  readonly training?: readonly TrainingChart[];
  readonly failures?: readonly Failure[];
  readonly settings?: { readonly [key: string]: Nested };
  /** Versions, seeds, digests, times: what is needed to run it again. */
  readonly provenance?: { readonly [key: string]: Nested };
};
