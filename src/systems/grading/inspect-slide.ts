import { parse } from "node:path";
import { writeFileAtomic } from "../../files/index.ts";
import { ImageError, openSlide } from "../../imaging/index.ts";
import type { System } from "../system.ts";
import { configSchema } from "./config.ts";
import { flawsOf, planPatches } from "./plan-patches.ts";
import { drawSampling, samplingPng } from "./sampling/index.ts";

const SLIDE = /\.(svs|tiff?)$/i;

/**
 * What is understood of a slide: its levels and resolution, how much of it is tissue, where the network would look with the default
 * settings, and what is wrong with it; with a picture of that (SVG, or PNG by the name of the file).
 */
export const inspectSlide: NonNullable<System["inspect"]> = async ({
  path,
  out = `${parse(path).name}.sampling.svg`,
  micronsPerPixel,
}) => {
  if (!SLIDE.test(path)) return undefined;
  const slide = await openSlide(path, { micronsPerPixel });
  try {
    const { format, width, height, levels, magnification, associated } = slide;
    const facts = { format, width, height, levels, micronsPerPixel: slide.micronsPerPixel, magnification, associated };
    const lines = [
      `${path}: ${format}, ${width} x ${height} pixels.`,
      `Levels: ${levels.map((level) => `${level.width} x ${level.height} (1/${Number(level.downsample.toFixed(2))})`).join(", ")}`,
      `Magnification ${magnification === undefined ? "unknown" : `${magnification}x`}, ${slide.micronsPerPixel === undefined ? "size of pixels unknown" : `${Number(slide.micronsPerPixel.toFixed(4))} micrometres per pixel`}.`,
      ...(associated.length > 0 ? [`Beside them, and never read out: ${associated.join(", ")}.`] : []),
    ];
    if (magnification === undefined && slide.micronsPerPixel === undefined) {
      return {
        facts,
        lines: [...lines, "How large its pixels are must be known to choose patches: give --mpp, such as 0.5 for 20x."],
      };
    }
    const config = configSchema.parse({});
    const plan = await planPatches(slide, config);
    const flaws = await flawsOf(slide, plan);
    const { patches, counts, finest, foreground, density, thumbnail, pen, folds } = plan;
    const tissue = foreground.data.reduce((sum, value) => sum + value, 0) / foreground.data.length;
    const svg = await drawSampling({
      title: parse(path).base,
      slide,
      thumbnail,
      foreground,
      density,
      sampling: plan,
      artefacts: { "pen marks": pen.mask, folds: folds.mask },
    });
    await writeFileAtomic(out, /\.png$/i.test(out) ? await samplingPng(svg) : svg);
    const perFrequency = Object.entries(counts).map(([frequency, count]) => `${count} ${frequency}`);
    return {
      facts: { ...facts, tissue, patches: patches.length, counts, finest, warnings: flaws, picture: out },
      lines: [
        ...lines,
        `Tissue: ${(100 * tissue).toFixed(1)} % of the slide.`,
        `Patches of ${config.patch} pixels at ${config.slide.magnification}x: ${patches.length} (${perFrequency.join(", ")}); the finest uniform grid takes ${finest}.`,
        ...flaws.map((flaw) => `Note: ${flaw}`),
        `Picture: ${out}`,
      ],
    };
  } catch (error) {
    throw error instanceof ImageError ? error : new ImageError(path, (error as Error).message, error);
  } finally {
    await slide.close();
  }
};
