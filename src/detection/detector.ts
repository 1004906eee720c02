import {
  blendTiles,
  cutTile,
  type Image,
  type Mask,
  planTiles,
  prefetch,
  type TileOptions,
  tilesOf,
  toEightBit,
  toSixteenBit,
} from "../imaging/index.ts";
import { maximumOutside, meanOfTopOutside } from "../metrics/index.ts";
import { openLocalRuntime, openRuntime, type RuntimeOptions, type Value, type Values } from "../runtime/index.ts";
import { type DetectorDescription, readDetector } from "./contract.ts";
import { blanked, misfit } from "./region.ts";

export interface Detection {
  /** Anomaly of the image; compare it with the threshold. */
  readonly score: number;
  /** score >= threshold; undefined when the model has no threshold. */
  readonly anomalous: boolean | undefined;
  /** Anomaly per pixel, [height, width]. */
  readonly map: Float32Array;
  /** 1 where a pixel counts nowhere, [height, width]: outside the region of interest, or ignored; undefined when all count. */
  readonly ignored: Uint8Array | undefined;
  /** What the network thinks the image should be, [channels, size, size] in about [0, 1], where the system restores whole images. */
  readonly restored: Value | undefined;
}

export interface Detector {
  readonly description: DetectorDescription;
  /**
   * The anomaly of an image; where `ignore` is 1, nothing counts: the score is then the map's largest value (or the mean of its
   * top share, as the model has it) over the other pixels of the image; a classifier's is that of the image with these pixels greyed.
   */
  detect(image: Image, ignore?: Mask): Promise<Detection>;
  close(): Promise<void>;
}

export interface DetectorOptions extends RuntimeOptions {
  /** Computes in this thread, which is blocked meanwhile: it starts sooner than a thread of its own. Default false. */
  readonly inThisThread?: boolean;
}

/** Opens a detector's model file, in a thread of its own. */
export const openDetector = async (
  bytes: Uint8Array,
  { inThisThread = false, ...options }: DetectorOptions = {},
): Promise<Detector> => {
  const { model, description } = readDetector(bytes);
  const { preprocess, imageScore, threshold } = description;
  const runtime = inThisThread ? openLocalRuntime(options) : openRuntime(options);
  const loaded = await runtime.load(model).catch(async (error: Error) => {
    await runtime.close();
    throw error;
  });

  const tiles = tilesOf(preprocess);
  const { proportions } = preprocess;

  const run: Judge = (image, ignore) => {
    const { data, height, width } = blanked(preprocess.depth === 16 ? toSixteenBit(image) : toEightBit(image), ignore);
    return loaded.run({ image: { data, shape: [height, width, 3] } });
  };
  const scoreOf = (map: Float32Array, ignored: Uint8Array | undefined): number =>
    (imageScore.kind === "top" ? meanOfTopOutside(map, ignored, imageScore.share) : maximumOutside(map, ignored)) ??
    nothingCounts();
  const detected = (score: number, rest: Pick<Detection, "map" | "ignored" | "restored">): Detection => ({
    score,
    anomalous: threshold === undefined ? undefined : score >= threshold.value,
    ...rest,
  });

  return {
    description,
    detect: async (image, ignore) => {
      if (tiles !== undefined) {
        const map = await mapInTiles(image, ignore, tiles, run);
        return detected(scoreOf(map, ignore?.data), { map, ignored: ignore?.data, restored: undefined });
      }
      const problem = proportions === undefined ? undefined : misfit({ proportions }, image);
      if (problem !== undefined) throw new Error(`The image cannot be judged: ${problem}`);
      const outputs = await run(image, ignore);
      const map = outputs.map.data as Float32Array;
      const ignored = unite(ignore?.data, outputs.inspected?.data as Float32Array | undefined);
      const score = ignore && imageScore.kind !== "classifier" ? scoreOf(map, ignored) : Number(outputs.score.data[0]);
      return detected(score, { map, ignored, restored: outputs.restored });
    },
    close: () => runtime.close(),
  };
};

type Judge = (image: Image, ignore: Mask | undefined) => Promise<Values>;

/** The map of an image from those of its tiles; beside it there is never more than a few tiles in memory. */
const mapInTiles = async (image: Image, ignore: Mask | undefined, options: TileOptions, judge: Judge): Promise<Float32Array> => {
  const { width, height } = image;
  const tiles = planTiles(width, height, options);
  const { map, add } = blendTiles(width, height, tiles);
  const tasks = tiles.map((tile) => () => judge(cutTile(image, tile), ignore && cutTile(ignore, tile)));
  let done = 0;
  for await (const outputs of prefetch(tasks, TILES_AHEAD)) add(tiles[done++], outputs.map.data as Float32Array);
  return map;
};

/** Tiles that are under way while another one's map is added. */
const TILES_AHEAD = 2;

const nothingCounts = (): never => {
  throw new Error("The image cannot be judged: all of it is ignored. Leave it out, or correct its ignore mask.");
};

/** What is ignored, or lies outside the inspected region. */
const unite = (ignore: Uint8Array | undefined, inspected: Float32Array | undefined): Uint8Array | undefined => {
  if (inspected === undefined) return ignore;
  const result = new Uint8Array(inspected.length);
  for (let pixel = 0; pixel < result.length; pixel++) {
    if (inspected[pixel] < 0.5 || (ignore !== undefined && ignore[pixel] !== 0)) result[pixel] = 1;
  }
  return result;
};
