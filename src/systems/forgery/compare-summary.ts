import { areaUnderRoc, equalErrorRate, imageRoc, type Measure, measuresOverCases } from "../../metrics/index.ts";
import type { Cell, LineChart } from "../../report/index.ts";
import type { Compared } from "./compare.ts";
import { type ForgeryImage, groupsOf } from "./data.ts";
import type { RobustnessPoint } from "./robustness-sweep.ts";

/** What one network said. */
export interface Judgements {
  readonly scores: readonly { readonly name: string; readonly score: number }[];
  /** Its own measures, see `measuresForMachines`. */
  readonly measures: Readonly<Record<string, Measure>>;
  readonly robustness: readonly RobustnessPoint[];
  readonly steps: number;
  readonly seconds: number;
}

export interface JudgedNetwork extends Judgements {
  readonly variant: string;
  readonly seed: number;
  /** The kind of forgery that it was not trained on, and alone tested with; undefined where it was trained on all. */
  readonly kind: string | undefined;
}

/** A network's scores in the order of the test images; NaN where it did not judge one. */
interface Aligned extends JudgedNetwork {
  readonly aligned: Float64Array;
}

/** What the error of unseen kinds is compared with. */
export const BASELINE = "spatial branch only";

const REPLICATES = 1000;

/**
 * The comparison's table: measures are means over the seeds, with 95 % intervals over the test images, or their identities. One resampling serves all cells, so that
 * the share of errors, of one variant and another, is paired.
 */
export const summarise = (
  judged: readonly JudgedNetwork[],
  test: readonly ForgeryImage[],
  names: readonly string[],
): Compared => {
  const networks = judged.map((network): Aligned => {
    const scores = new Map(network.scores.map(({ name, score }) => [name, score]));
    return { ...network, aligned: Float64Array.from(test, ({ name }) => scores.get(name) ?? Number.NaN) };
  });
  const of = (variant: string, unseen: boolean) =>
    networks.filter((network) => network.variant === variant && (network.kind !== undefined) === unseen);
  const kinds = [...new Set(networks.flatMap(({ kind }) => kind ?? []))];
  const measures = (positions: Uint32Array): number[] => {
    const unseenError = (variant: string) => 1 - meanOver(of(variant, true), (network) => aucOf(network, test, positions));
    const ofBaseline = unseenError(BASELINE);
    return names.flatMap((variant) => [
      meanOver(of(variant, false), (network) => aucOf(network, test, positions)),
      meanOver(of(variant, false), (network) => rocFor(network, test, positions, equalErrorRate)),
      1 - unseenError(variant),
      unseenError(variant) / ofBaseline,
    ]);
  };
  const found = measuresOverCases(test.length, measures, { groups: groupsOf(test), replicates: REPLICATES });
  const rows = names.map((variant, index) => {
    const [auc, eer, unseen, ratio] = found.slice(4 * index, 4 * index + 4);
    const own = of(variant, false);
    const cells: Cell[] = [
      cellOf(auc),
      rangeOf(own.map(({ measures }) => measures.auc?.value ?? Number.NaN)),
      cellOf(eer),
      cellOf(unseen),
      variant === BASELINE ? null : cellOf(ratio),
      numberOf(meanOver(own, ({ robustness }) => meanOver(robustness, ({ auc: { value } }) => value))),
      numberOf(meanOver(own, ({ measures: { region_iou } }) => region_iou?.value ?? Number.NaN)),
      numberOf(meanOver(own, ({ measures: { region_ap } }) => region_ap?.value ?? Number.NaN)),
      own[0].steps,
      Math.round(meanOver(own, ({ seconds }) => seconds)),
    ];
    return { name: variant, emphasis: index === 0, cells };
  });
  return {
    table: {
      title: "The method without each of its parts",
      note: noteOf(new Set(networks.map(({ seed }) => seed)).size, kinds),
      columns: [
        { name: "AUC", better: "higher" },
        { name: "of seeds" },
        { name: "equal error rate", better: "lower" },
        { name: "AUC of unseen kinds", better: "higher" },
        { name: `error of unseen kinds, share of ${BASELINE}`, better: "lower" },
        { name: "AUC of distorted images", better: "higher" },
        { name: "region IoU", better: "higher" },
        { name: "region AP", better: "higher" },
        { name: "steps" },
        { name: "seconds" },
      ],
      rows,
    },
    robustness: robustnessOf(
      networks.filter(({ kind }) => kind === undefined),
      names,
    ),
  };
};

const noteOf = (seeds: number, kinds: readonly string[]): string => {
  const unseen =
    kinds.length === 0
      ? ""
      : ` Unseen kinds: the mean over ${kinds.join(", ")}, each judged by a network that was trained without it; the error is 1 - AUC.`;
  return `Means over ${seeds === 1 ? "one seed" : `${seeds} seeds`}; intervals (95 %) are over the test images, not over seeds, whose AUC is given as lowest to highest.${unseen} Distorted: the mean over all distortions and levels, of networks trained on all kinds.`;
};

const meanOver = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0) / items.length;

const aucOf = (network: Aligned, test: readonly ForgeryImage[], positions: Uint32Array): number =>
  rocFor(network, test, positions, areaUnderRoc);

const rocFor = (
  { aligned }: Aligned,
  test: readonly ForgeryImage[],
  positions: Uint32Array,
  measure: (roc: ReturnType<typeof imageRoc>) => number,
): number => {
  const own = positions.filter((position) => !Number.isNaN(aligned[position]));
  const roc = imageRoc(
    Float32Array.from(own, (position) => aligned[position]),
    Array.from(own, (position) => test[position].label),
  );
  return roc.positives === 0 || roc.negatives === 0 ? Number.NaN : measure(roc);
};

const rangeOf = (values: readonly number[]): Cell =>
  values.length < 2 ? null : `${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}`;

/** Null where nothing was measured. */
const cellOf = (measure: Measure): Cell => (Number.isNaN(measure.value) ? null : measure);
const numberOf = (value: number): Cell => (Number.isNaN(value) ? null : Number(value.toFixed(3)));

/** A chart for each distortion, with a line for each variant. */
const robustnessOf = (networks: readonly Aligned[], names: readonly string[]): LineChart[] => {
  const points = networks[0]?.robustness ?? [];
  return [...new Set(points.map(({ distortion }) => distortion))].map((distortion) => {
    const levels = points.filter((point) => point.distortion === distortion).toSorted((a, b) => a.level - b.level);
    const meanAt = (variant: string, level: number): number =>
      meanOver(
        networks.filter((network) => network.variant === variant),
        ({ robustness }) =>
          robustness.find((point) => point.distortion === distortion && point.level === level)?.auc.value ?? Number.NaN,
      );
    return {
      title: distortion,
      horizontal: levels[0].unit,
      vertical: "AUC",
      series: names.map((variant) => ({
        label: variant,
        points: levels.map(({ level }) => [level, meanAt(variant, level)] as const),
      })),
    };
  });
};
