import type { Image } from "../imaging/index.ts";
import { openRuntime, type RuntimeOptions, type Value } from "../runtime/index.ts";
import { type DetectorDescription, readDetector } from "./contract.ts";

export interface Detection {
  /** Anomaly of the image; compare it with the threshold. */
  readonly score: number;
  /** score >= threshold; undefined when the model has no threshold. */
  readonly anomalous: boolean | undefined;
  /** Anomaly per pixel, [height, width]. */
  readonly map: Float32Array;
  /** What the network thinks the image should be, [channels, size, size] in about [0, 1], where the system restores images. */
  readonly restored: Value | undefined;
}

export interface Detector {
  readonly description: DetectorDescription;
  detect(image: Image): Promise<Detection>;
  close(): Promise<void>;
}

/** Opens a detector's model file, in a thread of its own. */
export const openDetector = async (bytes: Uint8Array, options: RuntimeOptions = {}): Promise<Detector> => {
  const { model, description } = readDetector(bytes);
  const runtime = openRuntime(options);
  const loaded = await runtime.load(model).catch(async (error: Error) => {
    await runtime.close();
    throw error;
  });
  return {
    description,
    detect: async ({ data, height, width }) => {
      const { map, score, restored } = await loaded.run({ image: { data, shape: [height, width, 3] } });
      const value = Number(score.data[0]);
      const { threshold } = description;
      return {
        score: value,
        anomalous: threshold === undefined ? undefined : value >= threshold.value,
        map: map.data as Float32Array,
        restored,
      };
    },
    close: () => runtime.close(),
  };
};
