import type { SegmentationOptions } from "./segmentation.ts";

export interface Preset {
  /** Side of the patches that the network sees, in pixels. */
  readonly patch: number;
  readonly network: SegmentationOptions;
}

const common = { patch: 4, expansion: 4, position: "sum", normalisation: "batch", auxiliary: true, classes: 4 } as const;

/** Sizes of the network: `base` is Swin-B with the decoder of its authors; `small` is for a processor of two cores, `tiny` for tests. */
export const presets = {
  tiny: {
    patch: 32,
    network: { ...common, width: 8, depths: [2, 2, 2, 2], heads: [1, 2, 2, 4], window: 4, channels: 8, auxiliaryChannels: 8 },
  },
  small: {
    patch: 128,
    network: { ...common, width: 16, depths: [2, 2, 2, 2], heads: [1, 2, 4, 8], window: 4, channels: 32, auxiliaryChannels: 32 },
  },
  base: {
    patch: 512,
    network: {
      ...common,
      width: 128,
      depths: [2, 2, 18, 2],
      heads: [4, 8, 16, 32],
      window: 7,
      channels: 512,
      auxiliaryChannels: 256,
    },
  },
} satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
