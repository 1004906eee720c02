import sharp from "sharp";
import {
  type Colour,
  createImage,
  dilation,
  encodeJpeg,
  type Image,
  type ImageOf,
  infernoColour,
  type Mask,
  reduceImage,
  resizeMask,
  sharedPart,
  subtract,
} from "../../../imaging/index.ts";
import { type Frequency, frequencies, type Sampling } from "./adaptive.ts";
import type { DensityMap } from "./density.ts";

/** What a picture of a slide's sampling shows. Thumbnail, foreground, artefacts and density map are stretched over the slide. */
export interface SamplingStory {
  /** Stands above the picture. */
  readonly title: string;
  readonly slide: { readonly width: number; readonly height: number };
  readonly thumbnail: Image;
  readonly foreground: Mask;
  readonly density: DensityMap;
  readonly sampling: Sampling;
  /** What the density is of. Default: haematoxylin. */
  readonly feature?: string;
  /** Areas to mark in the thumbnail, by name, such as "pen" or "folds". */
  readonly artefacts?: Readonly<Record<string, Mask>>;
}

/** Longest side of a panel, in pixels. */
const PANEL = 560;
const [GAP, MARGIN, TITLE, LEGEND] = [24, 20, 44, 136];
const LEAST_WIDTH = 330;
const OUTLINE: Colour = [0, 110, 190];
const ARTEFACT: Colour = [0, 190, 90];
/** From seldom to often: blue to red, told apart in print and by colour-blind readers by their lightness, too. */
const frequencyColours: Readonly<Record<Frequency, string>> = {
  a: "#74a9cf",
  b: "#2b8cbe",
  c: "#034e7b",
  d: "#f28e2b",
  e: "#c1121f",
};

/**
 * One picture (SVG, all in itself) of how patches were chosen, three panels side by side with captions: the thumbnail with the
 * foreground's outline and the artefacts, the heat map of the semantic density, and the patches as squares coloured by frequency.
 */
export const drawSampling = async (story: SamplingStory): Promise<string> => {
  const { slide, sampling, feature = "haematoxylin" } = story;
  const thumbnail = reduceImage(story.thumbnail, PANEL);
  const scale = PANEL / Math.max(slide.width, slide.height);
  const [width, height] = [slide.width * scale, slide.height * scale];
  const foreground = resizeMask(story.foreground, thumbnail.width, thumbnail.height);
  const artefacts = Object.entries(story.artefacts ?? {}).filter(([, mask]) => mask.data.includes(1));
  const range = densityRange(story.density);
  const [shown, heat, faded] = await Promise.all(
    [
      withAreas(
        thumbnail,
        foreground,
        artefacts.map(([, mask]) => resizeMask(mask, thumbnail.width, thumbnail.height)),
      ),
      densityImage(thumbnail, foreground, story.density, range),
      fadedImage(thumbnail),
    ].map(dataAddress),
  );
  const column = Math.max(width, LEAST_WIDTH);
  const panel = (index: number, address: string, content: string, captions: readonly string[], legend = ""): string => {
    const lines = captions.map(
      (caption, line) => `<text y="${(height + 22 + 18 * line).toFixed(1)}">${escapeXml(caption)}</text>`,
    );
    return `<g transform="translate(${(MARGIN + index * (column + GAP)).toFixed(1)},${TITLE})"><image width="${width.toFixed(1)}" height="${height.toFixed(1)}" preserveAspectRatio="none" href="${address}"/>${content}${lines.join("")}${legend}</g>`;
  };
  const share = foreground.data.reduce((sum, value) => sum + value, 0) / foreground.data.length;
  const { patches, finest } = sampling;
  const total = 2 * MARGIN + 3 * column + 2 * GAP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total.toFixed(1)} ${(TITLE + height + LEGEND).toFixed(1)}" width="${total.toFixed(0)}" height="${(TITLE + height + LEGEND).toFixed(0)}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="13" fill="#222">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${MARGIN}" y="28" font-size="17" font-weight="bold">${escapeXml(story.title)}</text>
${panel(0, shown, "", [
  `foreground: ${percent(share)} of the slide`,
  `${slide.width} x ${slide.height} pixels`,
  ...artefacts.map(
    ([name, mask]) =>
      `marked: ${name}, ${percent(sharedPart(story.foreground, resizeMask(mask, story.foreground.width, story.foreground.height)))} of the tissue`,
  ),
])}
${panel(1, heat, "", [`semantic density: ${feature}`], densityLegend(range, height + 36))}
${panel(
  2,
  faded,
  drawPatches(sampling, scale),
  [
    patches.length === 0
      ? "no patches"
      : `${patches.length} patches, ${percent(patches.length / finest)} of the ${finest} of a grid at half a patch`,
  ],
  frequencyLegend(sampling, height + 36),
)}
</svg>
`;
};

/** The picture as PNG. Texts are set in the fonts of the machine. */
export const samplingPng = (svg: string): Promise<Buffer> => sharp(Buffer.from(svg)).png().toBuffer();

const dataAddress = async (image: Image): Promise<string> =>
  `data:image/jpeg;base64,${(await encodeJpeg(image, 88)).toString("base64")}`;

const withAreas = (thumbnail: ImageOf<Uint8Array>, foreground: Mask, artefacts: readonly Mask[]): Image => {
  const result = createImage(thumbnail.width, thumbnail.height, thumbnail.data.slice());
  for (const { data } of artefacts) {
    for (let pixel = 0; pixel < data.length; pixel++) {
      if (data[pixel] === 0) continue;
      for (let channel = 0; channel < 3; channel++) {
        const at = 3 * pixel + channel;
        result.data[at] = Math.round(0.4 * result.data[at] + 0.6 * ARTEFACT[channel]);
      }
    }
  }
  const line = subtract(dilation(foreground, 1.5), foreground);
  for (let pixel = 0; pixel < line.data.length; pixel++) if (line.data[pixel] === 1) result.data.set(OUTLINE, 3 * pixel);
  return result;
};

/** The thumbnail in pale grey. */
const fadedImage = ({ width, height, data }: ImageOf<Uint8Array>): ImageOf<Uint8Array> => {
  const result = createImage(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const grey = (data[3 * pixel] + data[3 * pixel + 1] + data[3 * pixel + 2]) / 3;
    result.data.fill(Math.round(255 - 0.45 * (255 - grey)), 3 * pixel, 3 * pixel + 3);
  }
  return result;
};

/** From 0 to what 99 of 100 windows with tissue do not exceed. */
const densityRange = ({ values, tissue }: DensityMap): number => {
  const inside = values.filter((_, window) => tissue[window] > 0).sort();
  return inside.length === 0 ? 1 : inside[Math.floor(0.99 * (inside.length - 1))] || 1;
};

/** Each pixel of foreground in the colour of the window whose centre is nearest; elsewhere the faded thumbnail. */
const densityImage = (thumbnail: ImageOf<Uint8Array>, foreground: Mask, map: DensityMap, range: number): Image => {
  const result = fadedImage(thumbnail);
  const nearest = (at: number, length: number, whole: number, window: number, count: number): number =>
    Math.min(count - 1, Math.max(0, Math.round((((at + 0.5) * whole) / length - window / 2) / map.step)));
  for (let y = 0; y < result.height; y++) {
    const v = nearest(y, result.height, map.height, map.window.height, map.rows);
    for (let x = 0; x < result.width; x++) {
      const pixel = y * result.width + x;
      if (foreground.data[pixel] === 0) continue;
      const u = nearest(x, result.width, map.width, map.window.width, map.columns);
      result.data.set(infernoColour(map.values[v * map.columns + u] / range), 3 * pixel);
    }
  }
  return result;
};

/** One path per frequency, the most frequent on top. */
const drawPatches = ({ patches }: Sampling, scale: number): string =>
  frequencies
    .map((frequency) => {
      const squares = patches
        .filter((patch) => patch.frequency === frequency)
        .map(({ x, y, size }) => {
          // Each square a little smaller than its patch, so that neighbours stay apart.
          const inset = Math.min(1, 0.08 * size * scale);
          const side = (size * scale - 2 * inset).toFixed(1);
          return `M${(x * scale + inset).toFixed(1)},${(y * scale + inset).toFixed(1)}h${side}v${side}h-${side}z`;
        });
      const colour = frequencyColours[frequency];
      return squares.length === 0
        ? ""
        : `<path d="${squares.join("")}" fill="${colour}" fill-opacity="0.1" stroke="${colour}" stroke-width="1.2"/>`;
    })
    .join("");

const densityLegend = (range: number, top: number): string => {
  const steps = Array.from({ length: 40 }, (_, step) => {
    const [red, green, blue] = infernoColour(step / 39);
    return `<rect x="${step * 5}" y="${top}" width="5.3" height="12" fill="rgb(${red},${green},${blue})"/>`;
  });
  return `${steps.join("")}<text y="${top + 28}">0</text><text x="200" y="${top + 28}" text-anchor="end">${range.toFixed(2)} and more</text>`;
};

const frequencyLegend = ({ counts, thresholds }: Sampling, top: number): string => {
  const limits = thresholds.map((value) => value.toFixed(3));
  const ranges = [`up to ${limits[0]}`, ...limits.slice(1).map((limit, i) => `${limits[i]} to ${limit}`), `above ${limits[3]}`];
  return frequencies
    .map((frequency, i) => {
      const y = top + 18 * i;
      return `<rect y="${y}" width="12" height="12" fill="${frequencyColours[frequency]}"/><text x="20" y="${y + 11}">${frequency}: density ${ranges[i]}, ${counts[frequency]} patches</text>`;
    })
    .join("");
};

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

const escapeXml = (text: string): string =>
  text
    .replace(/[^\P{Cc}\t\n]/gu, " ")
    .replace(/[&<>"]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character] ?? "&quot;");
