import { join } from "node:path";
import { openSlide } from "../../imaging/index.ts";
import { gradeMeasures, type Measure } from "../../metrics/index.ts";
import type { Comparison } from "../../report/index.ts";
import type { Demonstrated, DemoRequest } from "../system.ts";
import { configSchema, presets } from "./config.ts";
import { readSlides, type SlideSample } from "./data.ts";
import { GRADES } from "./grade.ts";
import { colourHistogram, fitHistogramModel, writePhantomDataset } from "./phantom/index.ts";
import { evaluateRun } from "./run.ts";
import { trainGrader } from "./train.ts";

/** Of 2 um, 5x, at which a network learns the architecture of glands in minutes: a slide of 1024 x 1024 um. */
const SIZE = 512;
const MICRONS = 2;
const SLIDES = { train: 120, validation: 36, test: 36 };

/** Paints synthetic slides, trains a small grader, and shows its grades beside those of a model that sees only the colours of a slide. */
export const demo = async ({ out, say, resume, ...computing }: DemoRequest): Promise<Demonstrated> => {
  const { listener, signal } = computing;
  const [data, run] = [join(out, "data"), join(out, "run")];
  say(`Painting ${SLIDES.train + SLIDES.validation + SLIDES.test} synthetic slides of ${SIZE} x ${SIZE} pixels into ${data} ...`);
  await writePhantomDataset(data, {
    slides: SLIDES,
    width: SIZE,
    height: SIZE,
    micronsPerPixel: MICRONS,
    listener: ({ done, total }) => listener?.({ kind: "count", text: "painting slides", done, total }),
    signal,
  });
  say("Training ...");
  const config = configSchema.parse(presets.demo);
  const { finished } = await trainGrader({ data, out: run, config, resume, ...computing });
  if (!finished) throw signal?.reason;
  say("Predicting the test slides ...");
  const { measures, report } = await evaluateRun({ run, data, ...computing });
  const histogram = await histogramMeasures(data);
  const row = (name: string, found: Readonly<Record<string, Measure>>) => ({
    name,
    cells: [found.quadratic_kappa ?? null, found.accuracy ?? null, found.dice_mean ?? null],
  });
  const table: Comparison = {
    title: "Grades of synthetic slides that were not trained on",
    note: "Quadratic weighted kappa: 1 is agreement, 0 chance. The histogram model sees the colours of a slide and not where they are. Nothing here says anything about patients.",
    columns: ["quadratic weighted kappa", "accuracy", "mean Dice"].map((name) => ({ name, better: "higher" as const })),
    rows: [row("grading", measures), row("histogram of colours", histogram)],
  };
  const { slides } = await readSlides(data);
  const next = { run, input: slides.find(({ split }) => split === "test")?.path ?? data };
  return { measures, baselines: { "histogram of colours": histogram }, tables: [table], report, next };
};

/** What a model reaches that sees a slide's colours alone. */
export const histogramMeasures = async (data: string): Promise<Record<string, Measure>> => {
  const { slides } = await readSlides(data);
  const graded = slides.filter(({ grade, maskPath }) => grade !== undefined && maskPath !== undefined);
  const of = async (split: SlideSample["split"]) => {
    const own = graded.filter((slide) => slide.split === split);
    const histograms: Float64Array[] = [];
    for (const sample of own) histograms.push(await histogramOf(sample));
    return { own, histograms, grades: own.map(({ grade }) => grade as number) };
  };
  const [train, test] = [await of("train"), await of("test")];
  const model = fitHistogramModel(train.histograms, train.grades);
  const predicted = test.histograms.map((histogram) => model.predict(histogram));
  const { quadraticKappa, accuracy } = gradeMeasures(test.grades, predicted, GRADES, {
    groups: test.own.map(({ patient }) => patient),
  });
  return { quadratic_kappa: quadraticKappa, accuracy };
};

const histogramOf = async ({ path, maskPath }: SlideSample): Promise<Float64Array> => {
  const [slide, mask] = [await openSlide(path), await openSlide(maskPath as string, { indices: true })];
  try {
    const whole = { x: 0, y: 0, width: slide.width, height: slide.height };
    const [image, classes] = [await slide.read(0, whole), await mask.read(0, whole)];
    return colourHistogram(
      image.data,
      classes.data.filter((_, i) => i % 3 === 0),
    );
  } finally {
    await Promise.all([slide.close(), mask.close()]);
  }
};
