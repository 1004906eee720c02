import { z } from "zod";

const weight = (standard: number, what: string) =>
  z.number().min(0, "A probability weight must not be negative.").default(standard).describe(`Relative probability of ${what}.`);

const positive = (standard: number, what: string) => z.number().positive(`It must be positive.`).default(standard).describe(what);

const share = (standard: number, what: string) =>
  z.number().min(0, "It must lie in [0, 1].").max(1, "It must lie in [0, 1].").default(standard).describe(what);

const range = (bound: z.ZodNumber, min: number, max: number, what: string) =>
  z
    .strictObject({
      min: bound.default(min).describe(`Smallest ${what}.`),
      max: bound.default(max).describe(`Largest ${what}.`),
    })
    .refine((given) => given.min <= given.max, { error: "The range is empty: its min exceeds its max." })
    .prefault({})
    .describe(`Range of the ${what}.`);

const ratio = z.number().gt(0, "An area ratio must lie in (0, 1].").max(1, "An area ratio must lie in (0, 1].");
const count = z.int("A count must be a whole number.").min(1, "At least one region is needed.");
const aspect = z.number().positive("An aspect ratio must be positive.");
const fraction = z.number().min(0, "A fraction must lie in [0, 1].").max(1, "A fraction must lie in [0, 1].");
const length = z.number().gt(0, "A feature size must lie in (0, 2].").max(2, "A feature size must lie in (0, 2].");
const layers = z.int("The number of noises must be a whole number.").min(0).max(4);

const fixed = z
  .strictObject({
    ratio: ratio.optional().describe("Occluded area as a share of the image area."),
    count: count.optional().describe("Number of regions."),
    aspect: aspect.optional().describe("Aspect ratio (width / height)."),
    position: z
      .tuple([fraction, fraction])
      .optional()
      .describe(
        "Position [x, y]: a rectangle inside the image at these fractions of its free room, a clipped one with its corner (a blob: its centre) at these fractions of the image.",
      ),
  })
  .default({})
  .describe("Quantities that are fixed instead of random; an absent one is drawn from its range (claim 15).");

const noises = z
  .strictObject({
    gaussian: z
      .strictObject({
        probability: weight(1, "Gaussian noise"),
        mean: z.number().default(0).describe("Mean of what is added."),
        sigma: positive(0.25, "Standard deviation of what is added."),
      })
      .prefault({})
      .describe("Adds normal noise."),
    saltAndPepper: z
      .strictObject({
        probability: weight(1, "salt-and-pepper noise"),
        density: share(0.5, "Share of the pixels that become white or black."),
        salt: share(0.5, "Share of white among them."),
      })
      .prefault({})
      .describe("Sets single pixels to white (salt) or black (pepper), in all channels together."),
    poisson: z
      .strictObject({
        probability: weight(1, "Poisson noise"),
        peak: positive(16, "Number of photons of a white pixel; the standard deviation of what is added is peak^(-1/2)."),
      })
      .prefault({})
      .describe("Adds (k - peak) / peak with k ~ Poisson(peak): centred shot noise, visible on a black base too."),
    laplace: z
      .strictObject({
        probability: weight(1, "Laplace noise"),
        scale: positive(0.18, "Scale b of what is added; its standard deviation is 2^(1/2) b."),
      })
      .prefault({})
      .describe("Adds Laplace noise."),
  })
  .prefault({})
  .describe("The noise catalogue: each with its probability and its parameters.");

const occlusionSchema = z
  .strictObject({
    kind: z.literal("occlusion").describe("Regions are occluded and filled with random noise (the method)."),
    shape: z
      .enum(["rectangles", "blobs", "perlin"])
      .default("rectangles")
      .describe("Rectangles (the document), or irregular coherent regions: warped ellipses, or Perlin noise above a threshold."),
    area: range(ratio, 0.1, 0.2, "occluded share of the image area (resolution ratio)"),
    measure: z
      .enum(["sum", "union"])
      .default("sum")
      .describe("What meets the drawn ratio: the sum of the rectangles' areas (the document), or the pixels really covered."),
    count: range(count, 1, 5, "number of rectangles or blobs"),
    aspect: range(aspect, 0.3, 3.3, "aspect ratio (width / height) of a rectangle or blob"),
    aspectPer: z
      .enum(["rectangle", "image"])
      .default("rectangle")
      .describe("Aspect ratio drawn for each rectangle (claim 13), or once for all rectangles of an image (claim 14)."),
    placement: z
      .enum(["inside", "clip"])
      .default("inside")
      .describe("Rectangles lie inside the image, or their upper-left corner is free and they are cut at the image border."),
    fixed,
    featureSize: range(length, 0.2, 0.5, "feature of blob outlines and Perlin regions, as a fraction of the shorter image side"),
    octaves: z
      .int()
      .min(1)
      .max(8)
      .default(3)
      .describe("Octaves of Perlin noise, each with twice the frequency and half the height."),
    fill: z
      .strictObject({
        noise: weight(1, "a fill with noise"),
        texture: weight(0, "a fill with the texture of another image or place"),
      })
      .refine((given) => given.noise + given.texture > 0, { error: "Give noise or texture a positive weight." })
      .prefault({})
      .describe("What the regions are filled with."),
    base: z
      .enum(["black", "white", "grey", "random", "keep"])
      .default("grey")
      .describe("Pixels below the noise: one colour, black, white or grey at random, or the original pixels (claim 16)."),
    noises,
    superimpose: range(layers, 1, 1, "number of distinct noises applied one after the other (2 or more: claim 17)"),
    noisePer: z
      .enum(["rectangle", "image"])
      .default("rectangle")
      .describe("Noises, base, texture and opacity are drawn anew for each region, or once for all regions of an image."),
    opacity: range(fraction, 1, 1, "opacity of the fill over the original pixels"),
    preserve: z
      .number()
      .min(0, "A standard deviation must not be negative.")
      .default(0)
      .describe("Standard deviation of Gaussian noise that is added to the whole input and kept in the target."),
  })
  .refine(
    (given) =>
      given.fill.noise === 0 ||
      given.superimpose.max <= Object.values(given.noises).filter((noise) => noise.probability > 0).length,
    { error: "More noises are to be superimposed than have a positive probability.", path: ["superimpose"] },
  );

const gaussianSchema = z.strictObject({
  kind: z.literal("gaussian").describe("Gaussian noise over the whole image (the traditional denoising autoencoder)."),
  sigma: positive(0.2, "Standard deviation of the noise."),
});

const noneSchema = z.strictObject({ kind: z.literal("none").describe("No corruption (the plain autoencoder).") });

/**
 * What is done to a training image before a network restores it. `occlusion` is the method of the document and its
 * structured extensions; `gaussian` and `none` are the baselines it is compared with. Absent options take their defaults.
 * Source: description (14)-(23) and claims 1-19 of US 12387466 B2.
 */
export const corruptionSchema = z
  .preprocess(occlusionUnlessSaid, z.discriminatedUnion("kind", [occlusionSchema, gaussianSchema, noneSchema]))
  .prefault({});

function occlusionUnlessSaid(given: unknown): unknown {
  return typeof given === "object" && given !== null && !("kind" in given) ? { kind: "occlusion", ...given } : given;
}

export type CorruptionOptions = z.output<typeof corruptionSchema>;
export type OcclusionOptions = z.output<typeof occlusionSchema>;
export type Noises = OcclusionOptions["noises"];

/**
 * The railway example, description (33): one square of 10 % of the image, filled with one of Gaussian, salt-and-pepper and
 * Poisson noise. The square stays inside the image, because a clipped one would not cover the 10 % the example states.
 */
export const railwayCorruption: OcclusionOptions = occlusionSchema.parse({
  kind: "occlusion",
  fixed: { ratio: 0.1, count: 1, aspect: 1 },
  noises: { laplace: { probability: 0 } },
});

/**
 * Structured corruption, the default of the presets: irregular small blobs, often translucent, of one shade, of noise or of another image's
 * texture. Unlike opaque noise they look like defects, so that the network must judge what belongs there and not only
 * recognise noise (after Zavrtanik et al. 2021, DRAEM, and Bauer et al. 2024).
 */
export const structuredCorruption: OcclusionOptions = occlusionSchema.parse({
  kind: "occlusion",
  shape: "blobs",
  area: { min: 0.005, max: 0.08 },
  count: { min: 1, max: 5 },
  aspect: { min: 0.15, max: 6 },
  fill: { noise: 2, texture: 1 },
  base: "random",
  superimpose: { min: 0, max: 1 },
  opacity: { min: 0.3, max: 1 },
});
