import { spacingOf } from "../../../imaging/index.ts";
import type { Measure, Notice, ReportData } from "../../../report/index.ts";
import type { VesselFeature } from "../measurement/index.ts";
import { vesselFeatures } from "../measurement/index.ts";
import type { PatientResult } from "../result.ts";
import { patientPictures, registrationPictures } from "./report-pictures.ts";
import { measurementTable, predictionTable, registrationTable, volumeTable } from "./report-tables.ts";
import { classVolumes, RESEARCH_USE } from "./volumes.ts";
import { featureTitle, NOT_DEFINED, shownNumber, shownUnit, targetTitle } from "./wording.ts";

/** What the first lines of a report show. */
const SUMMARY = [
  "normalised_wall_index",
  "stenosis_diameter",
  "wall_thickness_maximum",
  "lipid_core_volume",
  "haemorrhage_volume",
  "cap_thickness_minimum",
] as const satisfies readonly VesselFeature[];

/** More notes than these are left to the JSON file. */
const MOST_NOTES = 12;

/**
 * What the report of a patient shows: what speaks against it, the measures that matter, pictures of both stages with the classes' outlines,
 * all measurements with their changes, predicted changes with their intervals, and how well the sequences were registered.
 * @throws what `signal` gives when it is aborted.
 */
export const patientReport = async (
  result: PatientResult,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<ReportData> => {
  const { name, stages, prediction, origin } = result;
  const isVessel = stages.some(({ measured }) => measured !== undefined);
  const tables = [measurementTable(result), volumeTable(result), predictionTable(result), registrationTable(result)];
  return {
    title: name,
    system: "progression",
    subtitle: [
      isVessel ? "Plaque measured" : "Volumes of classes",
      stages.length > 1 ? "in two studies" : "in one study",
      ...(prediction ? ["and its change predicted"] : []),
    ].join(" "),
    sectionTitles: { cases: "Images", comparisons: "Measurements" },
    notices: noticesOf(result),
    measures: isVessel ? vesselMeasures(result) : volumeMeasures(result),
    caseGroups: [...(await patientPictures(result, signal)), ...(await registrationPictures(result, signal))],
    comparisons: tables.filter((table) => table !== undefined),
    provenance: {
      ...Object.fromEntries(stages.map(({ reference }, n) => [`stage ${n + 1}`, gridFacts(reference)])),
      origin,
    },
  };
};

const gridFacts = (reference: PatientResult["stages"][number]["reference"]) => {
  const [across, down, along] = spacingOf(reference).map((mm) => Number(mm.toPrecision(4)));
  return {
    slices: reference.slices,
    "pixels of a slice": `${reference.width} x ${reference.height}`,
    "mm between pixels": across === down ? `${across}` : `${across} x ${down}`,
    "mm between slices": along,
  };
};

const noticesOf = ({ stages, prediction, warnings }: PatientResult): Notice[] => {
  const cautions = new Set([...warnings, ...(prediction?.warnings ?? [])]);
  const notes = stages.flatMap(({ notes: own }, n) => own.map((note) => (stages.length > 1 ? `Stage ${n + 1}: ${note}` : note)));
  const more = notes.length - MOST_NOTES;
  return [
    { text: RESEARCH_USE, tone: "caution" },
    ...[...cautions].map((text) => ({ text, tone: "caution" }) as const),
    ...callNotice(prediction),
    ...notes.slice(0, MOST_NOTES).map((text) => ({ text })),
    ...(more > 0 ? [{ text: `${more} more notes on the files stand in the JSON file.` }] : []),
  ];
};

const callNotice = (prediction: PatientResult["prediction"]): Notice[] => {
  if (prediction === undefined) return [];
  const calls = (["progression", "regression"] as const).flatMap((wanted) => {
    const called = Object.entries(prediction.targets).filter(([, { call }]) => call === wanted);
    return called.length === 0 ? [] : [`${wanted} in ${inWords(called.map(([name]) => targetTitle(name).toLowerCase()))}`];
  });
  return [
    {
      text:
        calls.length > 0
          ? `Predicted from stage 1: ${calls.join("; ")}.`
          : "Predicted from stage 1: neither progression nor regression is sure in any measure.",
    },
  ];
};

/** "a, b and c". */
const inWords = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

/** The last stage's, on common coverage where stages are compared. */
const vesselMeasures = ({ stages, comparison }: PatientResult): Measure[] => {
  const [first, second] = comparison ? [comparison.first, comparison.second] : stages.map(({ measured }) => measured?.features);
  const last = stages.length > 1 ? second : first;
  return SUMMARY.map((name) => {
    const unit = shownUnit(vesselFeatures.find((own) => own.name === name)?.unit ?? "");
    const value = last?.[name] ?? Number.NaN;
    const text = shownNumber(value);
    return {
      ...{ name: featureTitle(name), value, text },
      unit: unit === "" || text === NOT_DEFINED ? undefined : unit,
      note: stages.length > 1 ? `at stage 2; at stage 1 ${shownNumber(first?.[name])}` : undefined,
    };
  });
};

const volumeMeasures = ({ stages, classes }: PatientResult): Measure[] => {
  const volumes = stages.map((stage) => classVolumes(stage, classes));
  return volumes[volumes.length - 1].map(({ name, millilitres }, n) => ({
    ...{ name, value: millilitres, text: shownNumber(millilitres), unit: "ml" },
    note: stages.length > 1 ? `at stage 2; at stage 1 ${shownNumber(volumes[0][n].millilitres)}` : undefined,
  }));
};
