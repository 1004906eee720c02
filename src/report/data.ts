/** A value with the bounds of its 95 % interval; without bounds only the value is shown. */
export type Estimate = { readonly value: number; readonly low?: number; readonly high?: number };

/** One number of the summary, for example the image AUROC of the test set. */
export type Measure = Estimate & {
  readonly name: string;
  readonly unit?: string;
  readonly note?: string;
  /** A number of things, written without decimals. */
  readonly count?: boolean;
  /** What is written instead of the number, such as "3+4=7". */
  readonly text?: string;
};

/** What a reader must know before trusting the numbers; "caution" is set off more strongly. */
export type Notice = { readonly text: string; readonly tone?: "information" | "caution" };

/** A horizontal and a vertical coordinate. */
export type Point = readonly [number, number];

/** One line of a chart. Points that are not finite leave a gap. */
export type Series = { readonly label: string; readonly points: readonly Point[] };

/** One chart of lines, such as "loss over steps". */
export type LineChart = {
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
  readonly pixelAuroc?: Estimate;
  /** Per-region overlap. */
  readonly pro?: Estimate;
  /** Images of this kind whose score reaches the threshold. */
  readonly detected?: number;
};

/** Shares of a whole, 0 .. 1, as bars: probabilities of classes, or areas of a picture. */
export type ShareChart = {
  readonly title: string;
  readonly note?: string;
  readonly rows: readonly {
    readonly name: string;
    readonly share: number;
    /** Written beside the share, such as an area. */
    readonly text?: string;
    /** That of the same thing in pictures. */
    readonly colour?: Rgb;
    readonly emphasis?: boolean;
  }[];
};

/** How often what is of one class was called another, [reference][predicted]. */
export type ClassConfusion = {
  readonly title: string;
  readonly note?: string;
  readonly classes: readonly string[];
  readonly counts: readonly (readonly number[])[];
};

/** A cell of a comparison: text, a number, an estimate with its interval, or null for "not measured". */
export type Cell = string | number | Estimate | null;

/** A row of a comparison. A summary row, such as the mean over categories, is set off by a rule and competes with no other row. */
export type ComparisonRow = {
  readonly name: string;
  readonly cells: readonly Cell[];
  readonly emphasis?: boolean;
  readonly summary?: boolean;
};

/**
 * A table of ablations, baselines or benchmarks. The best cell of a column is marked where the column says what is better;
 * where the table itself says it (categories in rows, systems in columns), the best cell of each row.
 */
export type Comparison = {
  readonly title: string;
  readonly note?: string;
  readonly better?: "higher" | "lower";
  readonly columns: readonly { readonly name: string; readonly better?: "higher" | "lower" }[];
  readonly rows: readonly ComparisonRow[];
};

/** An encoded JPEG or PNG with the word shown beneath it ("image", "restored", "heat map"). */
export type Picture = { readonly caption: string; readonly bytes: Uint8Array; readonly alternative?: string };

/** One image of the run with the pictures that explain its score. */
export type Case = {
  readonly name: string;
  /** Of three and more pictures the first is drawn largest. */
  readonly pictures: readonly Picture[];
  readonly score?: number;
  /** The truth about the image, for example "good" or "crack". */
  readonly label?: string;
  readonly outcome?: "detected" | "missed" | "passed" | "false alarm";
  readonly caption?: string;
};

/** Red, green and blue, 0 .. 255 each. */
export type Rgb = readonly [number, number, number];

/** What the colours of heat maps mean. */
export type MapScale = {
  /** The colours from the lower to the upper end, evenly spaced, as they look over a grey image. */
  readonly colours: readonly Rgb[];
  /** What positions on the scale mean, 0 being the lower and 1 the upper end. */
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
  readonly note?: string;
  /** The line drawn around the true defect. */
  readonly outline?: { readonly colour: Rgb; readonly label: string };
};

/** What an even colour of pictures stands for. */
export type LegendEntry = { readonly name: string; readonly colour: Rgb };

/** Cases under one heading, such as "Strongest false alarms". */
export type CaseGroup = {
  readonly title: string;
  readonly note?: string;
  readonly cases: readonly Case[];
  /** What the scores of these cases are compared with; the threshold of `scores` unless given. */
  readonly threshold?: number;
  readonly mapScale?: MapScale;
  readonly legend?: readonly LegendEntry[];
};

/** What a small picture shows; "caution" is for what someone should look at, such as a file that is probably in the wrong folder. */
export type Tone = "normal" | "anomalous" | "caution";

/** A small picture of a contact sheet: a JPEG or PNG of about 128 pixels. */
export type Thumbnail = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly caption?: string;
  readonly tone?: Tone;
};

/** Small pictures that show at a glance what a data set looks like. */
export type Sheet = {
  readonly title: string;
  readonly note?: string;
  readonly thumbnails: readonly Thumbnail[];
  /** How many images are not shown. */
  readonly more?: number;
};

/** Two images that are almost the same. */
export type Pair = { readonly first: Picture; readonly second: Picture; readonly caption: string };

/** Pairs under one heading, such as "In training and in test". */
export type PairGroup = { readonly title: string; readonly note?: string; readonly pairs: readonly Pair[] };

/** A threshold with what it costs; it is marked on the curve. */
export type CostRow = {
  /** "the chosen threshold", "lowest cost", "no inspection". */
  readonly name: string;
  readonly threshold: number;
  readonly missRate: Estimate;
  readonly falseAlarmRate: Estimate;
  /** Expected cost per image. */
  readonly cost: Estimate;
};

/** What decisions cost over the threshold. */
export type CostCurve = {
  readonly title?: string;
  /** Thresholds in ascending order, each with the expected cost per image. */
  readonly points: readonly Point[];
  readonly rows: readonly CostRow[];
  /** What a miss and a false alarm were taken to cost, and how common defects are. */
  readonly note?: string;
};

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
  /** What images of either class are called; "normal" and "anomalous" unless given. */
  readonly classNames?: { readonly normal: string; readonly anomalous: string };
  /** What sections are called where their usual names do not fit. */
  readonly sectionTitles?: {
    readonly shares?: string;
    readonly cases?: string;
    readonly comparisons?: string;
    readonly kinds?: string;
  };
  readonly notices?: readonly Notice[];
  readonly measures?: readonly Measure[];
  readonly shares?: readonly ShareChart[];
  /** What the images of a data set look like. */
  readonly sheets?: readonly Sheet[];
  /** Near-duplicates, side by side. */
  readonly pairs?: readonly PairGroup[];
  readonly caseGroups?: readonly CaseGroup[];
  readonly scores?: Scores;
  readonly confusion?: Confusion;
  /** Of more classes than two. */
  readonly classConfusions?: readonly ClassConfusion[];
  /** False positive rate against true positive rate. */
  readonly roc?: readonly Curve[];
  /** False positive rate of pixels against per-region overlap. */
  readonly pro?: readonly Curve[];
  /** Up to which false positive rate the PRO curve is drawn and integrated; 0.3 unless given. */
  readonly proLimit?: number;
  /** Recall against precision. */
  readonly precisionRecall?: readonly Curve[];
  readonly costs?: CostCurve;
  readonly kinds?: readonly KindResult[];
  readonly comparisons?: readonly Comparison[];
  readonly training?: readonly LineChart[];
  /** How measures fall as images are distorted more and more. */
  readonly robustness?: readonly LineChart[];
  readonly failures?: readonly Failure[];
  readonly settings?: { readonly [key: string]: Nested };
  /** What the settings would be if nobody had set any: what differs is shown first, the rest folded away. */
  readonly defaults?: { readonly [key: string]: Nested };
  /** Versions, seeds, digests, times: what is needed to run it again. */
  readonly provenance?: { readonly [key: string]: Nested };
};
