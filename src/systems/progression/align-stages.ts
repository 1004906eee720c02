import { type Affine, applyAffine, invertAffine, registerVolumes } from "../../imaging/index.ts";
import type { Vector3 } from "../../imaging/matrix3.ts";
import type { StageResult } from "./result.ts";

type Stage = Pick<StageResult, "reference" | "labels" | "measured">;
type Measured = Stage & Required<Pick<Stage, "measured">>;

/**
 * Two stages of which one shows where one lumen becomes two and the other does not: the references are registered (rigidly), and the place is
 * carried over. Of others nothing is changed.
 * @returns the stages, and what a user should know as sentences. @throws what `signal` gives when it is aborted.
 */
export const alignedStages = async <Own extends Stage>(
  stages: readonly Own[],
  signal?: AbortSignal,
): Promise<{ readonly stages: readonly Own[]; readonly notes: readonly string[] }> => {
  const measured = stages.filter((stage): stage is Own & Measured => stage.measured !== undefined);
  const lacking = measured.findIndex(({ measured: { vessel } }) => vessel.bifurcation === null);
  const [from, to] = [measured[1 - lacking], measured[lacking]];
  if (stages.length !== 2 || measured.length !== 2 || lacking < 0 || from.measured.vessel.bifurcation === null)
    return { stages, notes: [] };
  try {
    const { transform, quality } = await registerVolumes(from.reference, to.reference, { kind: "rigid", signal });
    const name = (stage: Own): string => `stage ${stages.indexOf(stage) + 1}`;
    if (!quality.trusted)
      return { stages, notes: [`The place where one lumen becomes two is in ${name(from)} alone. ${UNTRUSTED}`] };
    const bifurcation = sliceThere(from, from.measured.vessel.bifurcation, to, transform);
    const moved = { ...to, measured: { ...to.measured, vessel: { ...to.measured.vessel, bifurcation } } };
    return {
      stages: stages.map((stage) => (stage === to ? moved : stage)),
      notes: [
        `In ${name(to)} one lumen does not become two: the place was carried over from ${name(from)} by registering the images.`,
      ],
    };
  } catch (error) {
    signal?.throwIfAborted();
    return { stages, notes: [`The stages cannot be registered to each other: ${(error as Error).message}`] };
  }
};

const UNTRUSTED = "Both stages were registered to carry it over, but that cannot be trusted.";

/** The slice of `to`, with its fraction, in which the middle of the vessel in a slice of `from` lies. */
const sliceThere = ({ reference, labels }: Measured, slice: number, to: Measured, transform: Affine): number => {
  const { width, height, slices } = labels;
  const nearest = Math.min(slices - 1, Math.max(0, Math.round(slice)));
  let [count, column, row] = [0, 0, 0];
  for (let n = 0; n < width * height; n++) {
    if (labels.data[nearest * width * height + n] === 0) continue;
    count++;
    column += n % width;
    row += Math.floor(n / width);
  }
  const middle: Vector3 = count > 0 ? [column / count, row / count, slice] : [(width - 1) / 2, (height - 1) / 2, slice];
  const point = applyAffine(transform, applyAffine(reference.affine, middle));
  return applyAffine(invertAffine(to.reference.affine), point)[2];
};
