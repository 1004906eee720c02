import type { DetectorOptions } from "./detector.ts";
import type { GeneratorOptions } from "./generator.ts";

export interface Preset {
  /** Side of the images that the networks see, in pixels. */
  readonly image: number;
  readonly generator: GeneratorOptions;
  readonly detector: DetectorOptions;
}

const branches = { blend: true, style: true } as const;
const frequencies = { globalFrequency: true, localFrequency: true } as const;

/** Sizes of both networks: `small` is for a processor of two cores, `tiny` for tests; the generator needs less than what it is to train. */
export const presets = {
  tiny: {
    image: 64,
    generator: { width: 8, depths: [1, 1, 1], kernels: 2, ...branches },
    detector: { width: 8, depths: [1, 1, 1], kernels: 2, lowRank: { rank: 4 }, ...frequencies },
  },
  small: {
    image: 128,
    generator: { width: 8, depths: [1, 1, 2], kernels: 4, ...branches },
    detector: { width: 16, depths: [1, 2, 2], kernels: 4, lowRank: { rank: 8 }, ...frequencies },
  },
  base: {
    image: 256,
    generator: { width: 16, depths: [1, 2, 2], kernels: 8, ...branches },
    detector: { width: 32, depths: [2, 3, 4], kernels: 8, lowRank: { rank: 16 }, ...frequencies },
  },
} satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
