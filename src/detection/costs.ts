import { type CostModel, costAt, costCurve, estimatedLowestCost, lowestCost, type Measure } from "../metrics/index.ts";
import type { CostCurve, CostRow } from "../report/index.ts";
import type { Threshold } from "./contract.ts";
import type { EvaluatedSample } from "./evaluate.ts";

/** A threshold and what it costs per image. */
export interface CostLine {
  readonly name: string;
  readonly threshold: number;
  readonly cost: Measure;
  readonly missRate: Measure;
  readonly falseAlarmRate: Measure;
}

export interface CostTable {
  readonly model: CostModel;
  readonly lines: readonly CostLine[];
}

/**
 * What the model's threshold costs, and the threshold of least cost on these images, whose cost is measured on images that did not
 * choose it (see `estimatedLowestCost`); it is advised only where its interval lies below that of the model's threshold. Undefined where a class has fewer than two images. @throws RangeError for impossible costs.
 */
export const costsOf = (
  samples: readonly EvaluatedSample[],
  model: CostModel,
  threshold: Threshold | undefined,
): { readonly table: CostTable; readonly chart: CostCurve } | undefined => {
  const scores = Float32Array.from(samples, ({ score }) => score);
  const labels = samples.map(({ sample }) => sample.label);
  if (Math.min(...[0, 1].map((label) => labels.filter((own) => own === label).length)) < 2) return undefined;
  const least = lowestCost(scores, labels, model).threshold;
  const policy = least === Infinity ? ": pass everything" : least === -Infinity ? ": stop everything" : "";
  const lines: CostLine[] = [
    { name: `least cost on these images${policy}`, threshold: least, ...estimatedLowestCost(scores, labels, model) },
  ];
  if (threshold !== undefined) {
    const { falseAlarmRate } = threshold;
    const name = falseAlarmRate === undefined ? "the chosen threshold" : "the model's threshold";
    lines.unshift({ name, threshold: threshold.value, ...costAt(scores, labels, threshold.value, model) });
  }
  const own = threshold && lines[0];
  const advice =
    own !== undefined && lines[1].cost.high >= own.cost.low
      ? ` The least-cost choice is no better than ${own.name} on these ${samples.length} images: keep it.`
      : Number.isFinite(least)
        ? " Use the least-cost choice with lynceus predict --threshold."
        : "";
  const { thresholds, costs } = costCurve(scores, labels, model);
  const points = Array.from(thresholds, (value, index) => [value, costs[index]] as const);
  return {
    table: { model, lines },
    chart: {
      title: "Expected cost of an image",
      points: points.filter(([value]) => Number.isFinite(value)),
      rows: lines satisfies readonly CostRow[],
      note: `A miss costs ${model.miss}, a false alarm ${model.falseAlarm}, and ${(100 * model.prevalence).toPrecision(2)} % of images are anomalous. The rates and the cost of the least-cost choice are averages over images that did not take part in choosing.${advice}`,
    },
  };
};
