import { encodeJpeg, type ImageOf, type Slide } from "../../../imaging/index.ts";
import type {
  Case,
  CaseGroup,
  LegendEntry,
  Notice,
  ReportData,
  Measure as ReportMeasure,
  ShareChart,
} from "../../../report/index.ts";
import type { TissueClass } from "../classes.ts";
import type { LabelMap, PatchResult, SlideGrade, SlideResult } from "../result.ts";
import { frequencies } from "../sampling/index.ts";
import { type Composition, compositionOf, gleasonScore, RESEARCH_USE } from "./composition.ts";
import { type ClassPictures, partPictures } from "./overlay.ts";

/** How many of the most malignant patches are shown. */
const SHOWN_PATCHES = 6;
/** Longest sides of pictures in the report, in pixels. */
const SIDE = { overview: 1200, patch: 384 };
const QUALITY = 82;

export interface SlideReportInput {
  readonly slide: Slide;
  readonly result: SlideResult;
  readonly labels: LabelMap;
  readonly overview: ClassPictures;
  readonly signal?: AbortSignal;
}

/** What the report of one slide shows: its grade and what speaks for it, the map over the tissue, and the most malignant patches. */
export const slideReport = async (input: SlideReportInput): Promise<ReportData> => {
  const { result, labels } = input;
  const composition = compositionOf(result, labels.downsample);
  const { grade, warnings, origin } = result;
  return {
    title: result.name,
    system: "grading",
    subtitle: "Gleason patterns and ISUP grade, predicted",
    sectionTitles: { shares: "Grade and areas", cases: "Pictures" },
    notices: [
      { text: RESEARCH_USE, tone: "caution" },
      ...(grade === undefined ? [] : doubts(grade)),
      ...warnings.map((text) => ({ text, tone: "caution" }) as const),
      ...(origin.provenance.unfinished ? [UNFINISHED] : []),
    ],
    measures: slideMeasures(result, composition),
    shares: slideShares(result, composition),
    caseGroups: await slideCases(input),
    settings: origin.settings,
    provenance: {
      slide: slideFacts(result),
      map: { "pixels of level 0 per pixel": labels.downsample, pixels: `${labels.width} x ${labels.height}` },
      sampling: {
        ...Object.fromEntries(
          frequencies.map((wanted) => [
            `patches of frequency ${wanted}`,
            result.patches.filter(({ frequency }) => frequency === wanted).length,
          ]),
        ),
        "uniform grid at the finest stride": result.finest,
        "seconds in the network": Math.round(10 * result.seconds) / 10,
      },
      prediction: { lynceus: origin.lynceus, "SHA-256 of the model": origin.digests.model },
      "the model's training": origin.provenance,
    },
  };
};

const UNFINISHED: Notice = { text: "The model is a checkpoint of an unfinished training.", tone: "caution" };

/** What a picture's colours stand for. */
export const classLegend = (classes: readonly TissueClass[]): LegendEntry[] =>
  classes.flatMap(({ name, colour }) => (colour === undefined ? [] : [{ name, colour }]));

/** A picture as it stands in a report. */
export const reportPicture = (image: ImageOf<Uint8Array>, longest: number = SIDE.overview): Promise<Uint8Array> =>
  encodeJpeg(image, QUALITY, longest);

/** "ISUP 2, 3 or 4". */
const gradesInWords = (grades: readonly number[]): string =>
  grades.length < 2 ? `ISUP ${grades.join("")}` : `ISUP ${grades.slice(0, -1).join(", ")} or ${grades.at(-1)}`;

const doubts = ({ rule, isup, map, set, unsure }: SlideGrade): Notice[] => [
  ...(unsure
    ? [
        {
          text:
            set === undefined || set.length === 0
              ? "The model is unsure of this slide: look at it."
              : `The model is unsure of this slide: ${gradesInWords(set)} cannot be excluded. Look at it.`,
          tone: "caution" as const,
        },
      ]
    : []),
  ...(rule === "patches" && map.isup !== isup
    ? [{ text: `The two rules differ: ISUP ${isup} by the grades of the patches, ISUP ${map.isup} by the areas of the map.` }]
    : []),
];

const slideMeasures = ({ grade, patches, finest }: SlideResult, composition: Composition): ReportMeasure[] => {
  const { tumourShare, tissuePixels, tissueSquareMillimetres } = composition;
  const graded: ReportMeasure[] =
    grade === undefined
      ? []
      : [
          { name: "ISUP grade", value: grade.isup, text: String(grade.isup), note: ruleNames[grade.rule] },
          {
            name: "Gleason score",
            value: grade.map.primary + grade.map.secondary,
            text: gleasonScore(grade.map) ?? "none",
            note: "by the areas of the map",
          },
          ...(grade.set === undefined
            ? []
            : [
                {
                  name: "Cannot be excluded",
                  value: grade.set.length,
                  text: grade.set.length === 0 ? "none" : grade.set.join(", "),
                  note: grade.unsure ? "unsure: look at it" : "ISUP grades, at the calibrated miss rate",
                },
              ]),
        ];
  return [
    ...graded,
    ...(tumourShare === undefined
      ? []
      : [{ name: "Tumour", value: tumourShare, text: percent(tumourShare), note: "of the tissue" }]),
    tissueSquareMillimetres === undefined
      ? { name: "Tissue", value: tissuePixels, count: true, unit: "pixels of the map" }
      : { name: "Tissue", value: tissueSquareMillimetres, text: area(tissueSquareMillimetres), unit: "mm²" },
    {
      name: "Patches",
      value: patches.length,
      count: true,
      note: finest > 0 ? `${percent(patches.length / finest)} of the uniform grid at the finest stride` : undefined,
    },
  ];
};

const ruleNames = { patches: "by the grades of the patches", map: "by the areas of the map" } as const;

const slideShares = ({ grade, patches }: SlideResult, { classes, ofTumour }: Composition): ShareChart[] => {
  const grades = (shares: readonly number[], chosen?: readonly number[]) =>
    shares.map((share, isup) => ({
      name: isup === 0 ? "ISUP 0, no cancer" : `ISUP ${isup}`,
      share,
      emphasis: chosen?.includes(isup),
    }));
  return [
    ...(grade?.probabilities === undefined
      ? []
      : [
          {
            title: "Probability of each grade, by the grades of the patches",
            note:
              grade.set === undefined
                ? undefined
                : `Bold: cannot be excluded at the calibrated miss rate, ${ruleNames[grade.rule]}.`,
            rows: grades(grade.probabilities, grade.set ?? [grade.isup]),
          },
        ]),
    {
      title: "Tissue by class",
      rows: classes.flatMap(({ name, colour, pattern, ofTissue = Number.NaN, squareMillimetres }) =>
        Number.isNaN(ofTissue)
          ? []
          : [
              {
                ...{ name, colour, share: ofTissue, emphasis: pattern > 0 },
                text: squareMillimetres === undefined ? undefined : `${area(squareMillimetres)} mm²`,
              },
            ],
      ),
    },
    ...(ofTumour === undefined
      ? []
      : [
          {
            title: "Tumour by pattern",
            rows: ([3, 4, 5] as const).map((pattern) => ({
              name: `Gleason ${pattern}`,
              share: ofTumour[pattern],
              colour: classes.find((ofClass) => ofClass.pattern === pattern)?.colour,
            })),
          },
        ]),
    ...(grade === undefined || patches.length === 0
      ? []
      : [{ title: "Patches by their own grade", rows: grades(grade.proportions) }]),
  ];
};

const slideCases = async (input: SlideReportInput): Promise<CaseGroup[]> => {
  const { result, overview } = input;
  const legend = classLegend(result.classes);
  const whole: Case = {
    name: result.name,
    pictures: [
      { caption: "classes", bytes: await reportPicture(overview.overlay) },
      { caption: "slide", bytes: await reportPicture(overview.image) },
    ],
  };
  const patches: Case[] = [];
  for (const patch of mostMalignant(result, SHOWN_PATCHES)) patches.push(await patchCase(input, patch));
  return [
    { title: "The slide", note: "Cancer is within dark lines. A click enlarges.", legend, cases: [whole] },
    {
      title: "The most malignant patches",
      note: "The highest grades first, then the largest share of cancer. Places are pixels of level 0.",
      legend,
      cases: patches,
    },
  ].filter(({ cases }) => cases.length > 0);
};

const patchCase = async ({ slide, result, labels, signal }: SlideReportInput, patch: PatchResult): Promise<Case> => {
  signal?.throwIfAborted();
  const { x, y, size, gleason, areas } = patch;
  const part = { x, y, width: size, height: size };
  const { image, overlay } = await partPictures(slide, labels, result.classes, part, SIDE.patch);
  const seen = areas.reduce((sum, area) => sum + area, 0);
  const shares = result.classes.flatMap(({ name, pattern }, index) =>
    pattern > 0 && areas[index] > 0 ? [`${name} ${percent(areas[index] / seen)}`] : [],
  );
  return {
    name: `x ${x}, y ${y}, side ${size}`,
    label: `ISUP ${gleason.isup} · ${gleasonScore(gleason)}`,
    pictures: [
      { caption: "classes", bytes: await reportPicture(overlay, SIDE.patch) },
      { caption: "patch", bytes: await reportPicture(image, SIDE.patch) },
    ],
    caption: shares.join(" · "),
  };
};

/** The patches with cancer of the highest grades, of equal ones those with the most of it, without much overlap. */
export const mostMalignant = ({ classes, patches }: SlideResult, count: number): PatchResult[] => {
  const cancerOf = ({ areas }: PatchResult): number =>
    classes.reduce((sum, { pattern }, index) => sum + (pattern > 0 ? areas[index] : 0), 0) /
    areas.reduce((sum, area) => sum + area, 0);
  const falling = patches
    .filter(({ gleason }) => gleason.isup > 0)
    .map((patch) => ({ patch, cancer: cancerOf(patch) }))
    .sort((a, b) => b.patch.gleason.isup - a.patch.gleason.isup || b.cancer - a.cancer || a.patch.y - b.patch.y);
  const chosen: PatchResult[] = [];
  for (const { patch } of falling) {
    if (chosen.length === count) break;
    if (chosen.every((other) => overlap(patch, other) <= 0.25)) chosen.push(patch);
  }
  return chosen;
};

/** The share of a patch that another one of its size covers. */
const overlap = (a: PatchResult, b: PatchResult): number =>
  (Math.max(0, a.size - Math.abs(a.x - b.x)) * Math.max(0, a.size - Math.abs(a.y - b.y))) / a.size ** 2;

const slideFacts = ({ name, width, height, micronsPerPixel, magnification }: SlideResult) => ({
  file: name,
  pixels: `${width} x ${height}`,
  "micrometres per pixel": micronsPerPixel ?? "unknown",
  magnification: magnification ?? "unknown",
});

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Square millimetres with the digits that matter. */
const area = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3);
