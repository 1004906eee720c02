import { encodeJpeg, encodePng, type ImageOf } from "../../../imaging/index.ts";
import type { Case, CaseGroup, LegendEntry } from "../../../report/index.ts";
import { distanceAlong, type VesselMeasurement } from "../measurement/index.ts";
import type { PatientResult, StageResult } from "../result.ts";
import { classColours } from "./class-colours.ts";
import { evenly, overlayPicture } from "./overlay.ts";
import { type Extent, type SlicePictures, slicePictures } from "./slice-pictures.ts";
import { shownNumber } from "./wording.ts";

/** Of more slices these are shown, evenly chosen. */
const MOST = 18;

/**
 * The images with outlines: of two stages that are compared slices at the same distance from the bifurcation side by side, of a vessel in
 * one study its slices with and without, else contact sheets.
 */
export const patientPictures = async (result: PatientResult, signal?: AbortSignal): Promise<CaseGroup[]> => {
  const { stages, classes, comparison } = result;
  const legend = legendOf(classes);
  const measured = stages.filter(isMeasured);
  if (comparison && measured.length === 2) {
    const [first, second] = measured;
    const note =
      "Slices at the same distance from the bifurcation, in the order that blood flows; both stages at one scale. A click enlarges.";
    return [{ title: "Both stages", note, legend, cases: await pairedCases([first, second], result, signal) }];
  }
  if (measured.length === 1 && stages.length === 1) {
    const note = "In the order that blood flows. A click enlarges.";
    return [{ title: "Slice by slice", note, legend, cases: await singleCases(measured[0], result, signal) }];
  }
  const cases: Case[] = [];
  for (const [n, { name, reference, labels, measured: own }] of stages.entries()) {
    signal?.throwIfAborted();
    const bytes = await encodePng(overlayPicture(reference, labels, classes, own?.vessel));
    cases.push({ name, label: `Stage ${n + 1}`, pictures: [{ caption: "slices with what was found", bytes }] });
  }
  return [{ title: stages.length > 1 ? "Both stages" : "Slices", note: "A click enlarges.", legend, cases }];
};

type MeasuredStage = StageResult & Required<Pick<StageResult, "measured">>;

const isMeasured = (stage: StageResult): stage is MeasuredStage => stage.measured !== undefined;

const legendOf = (classes: readonly string[]): LegendEntry[] => {
  const colours = classColours(classes);
  return classes.flatMap((name, label) => (colours[label] ? [{ name, colour: colours[label] }] : []));
};

const png = (image: ImageOf<Uint8Array>): Promise<Uint8Array> => encodePng(image);

/** In the order that blood flows. */
const alongFlow = ({ flow }: VesselMeasurement, slices: readonly number[]): readonly number[] =>
  flow > 0 ? slices : slices.toReversed();

const picturesOf = ({ reference, labels }: StageResult, classes: readonly string[], extent?: Extent): SlicePictures =>
  slicePictures(reference, labels, classes, extent);

const pairedCases = async (
  [first, second]: readonly [MeasuredStage, MeasuredStage],
  { classes, comparison }: PatientResult,
  signal?: AbortSignal,
): Promise<Case[]> => {
  const needed = [first, second].map((stage) => picturesOf(stage, classes).extent);
  const extent = {
    width: Math.max(...needed.map(({ width }) => width)),
    height: Math.max(...needed.map(({ height }) => height)),
  };
  const pictures = [first, second].map((stage) => picturesOf(stage, classes, extent));
  const [before, after] = [first.measured.vessel, second.measured.vessel];
  const isCovered = (mm: number): boolean =>
    comparison !== undefined && mm >= comparison.coverage.low && mm <= comparison.coverage.high;
  const pairs = alongFlow(before, pictures[0].labelled).flatMap((slice) => {
    const mm = distanceAlong(before, slice);
    const away = (other: number): number => Math.abs(distanceAlong(after, other) - mm);
    const partner = pictures[1].labelled.reduce(
      (best, other) => (away(other) < away(best) ? other : best),
      pictures[1].labelled[0],
    );
    return isCovered(mm) && away(partner) <= after.sliceSpacing ? [{ mm, slices: [slice, partner] as const }] : [];
  });
  const cases: Case[] = [];
  for (const { mm, slices } of evenly(pairs, MOST)) {
    signal?.throwIfAborted();
    const [one, two] = [before.slices[slices[0]], after.slices[slices[1]]];
    cases.push({
      name: place(mm),
      pictures: [
        { caption: "stage 1", bytes: await png(pictures[0].outlined(slices[0])) },
        { caption: "stage 2", bytes: await png(pictures[1].outlined(slices[1])) },
      ],
      caption: `lumen ${shownNumber(one.lumenArea)} → ${shownNumber(two.lumenArea)} mm², wall ${shownNumber(one.wallArea)} → ${shownNumber(two.wallArea)} mm²`,
    });
  }
  return cases;
};

const singleCases = async (stage: MeasuredStage, { classes }: PatientResult, signal?: AbortSignal): Promise<Case[]> => {
  const { vessel } = stage.measured;
  const pictures = picturesOf(stage, classes);
  const cases: Case[] = [];
  for (const slice of evenly(alongFlow(vessel, pictures.labelled), MOST)) {
    signal?.throwIfAborted();
    const { lumenArea, wallArea } = vessel.slices[slice];
    cases.push({
      name: vessel.bifurcation === null ? `slice ${slice + 1}` : place(distanceAlong(vessel, slice)),
      pictures: [
        { caption: "outlines", bytes: await png(pictures.outlined(slice)) },
        { caption: "image", bytes: await png(pictures.plain(slice)) },
      ],
      caption: `lumen ${shownNumber(lumenArea)} mm², wall ${shownNumber(wallArea)} mm²`,
    });
  }
  return cases;
};

/** "3.2 mm before the bifurcation". */
const place = (mm: number): string =>
  Math.abs(mm) < 0.05 ? "at the bifurcation" : `${Math.abs(mm).toFixed(1)} mm ${mm < 0 ? "before" : "beyond"} the bifurcation`;

/** Every registered sequence beside the reference, none where nothing was registered. */
export const registrationPictures = async ({ stages }: PatientResult, signal?: AbortSignal): Promise<CaseGroup[]> => {
  const cases: Case[] = [];
  for (const [n, { sequences }] of stages.entries()) {
    for (const { name, picture, quality } of sequences) {
      if (picture === undefined) continue;
      signal?.throwIfAborted();
      const bytes = await encodeJpeg(picture(), 85);
      cases.push({
        name: stages.length > 1 ? `Stage ${n + 1}, ${name}` : name,
        pictures: [{ caption: "checkerboard; edges", bytes }],
        caption: quality?.trusted === false ? quality.warnings.join(" ") : undefined,
      });
    }
  }
  const note = `Axial, coronal and sagittal, to judge by eye. Above fields of the reference and of the sequence by turns: outlines run on across them. Below the reference with the edges of the sequence in orange: they lie on its own.`;
  return cases.length === 0 ? [] : [{ title: "Registration of the sequences", note, cases }];
};
