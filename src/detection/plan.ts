import { exists } from "../files/index.ts";
import { decodeMask, type Mask, readDataset, type Sample, type SkippedFile, unusableFiles } from "../imaging/index.ts";
import { digestOf, digestOfDigests, digestOfFile, runFiles } from "../training/index.ts";
import type { DetectorConfig, Settled } from "./settings.ts";
import { depthOfImages, imagesAreGrey, splitTraining } from "./training-data.ts";

/** What a training is made of, before anything is computed or written. */
export interface TrainingPlan<Config extends DetectorConfig> {
  readonly config: Settled<Config>;
  readonly training: readonly Sample[];
  /** Normal images kept out of training, for the threshold. */
  readonly validation: readonly Sample[];
  readonly dataDigest: string;
  /** Identifies everything that decides the weights: two plans of one digest end with the same bits. */
  readonly digest: string;
  /** What someone meant to be used and cannot be, see `unusableFiles`. */
  readonly unusable: readonly SkippedFile[];
  /** Sentences about what is wrong with the data, but not so wrong that training makes no sense. */
  readonly warnings: readonly string[];
}

/**
 * Reads the data, divides its training images, and settles what the settings left to them.
 * @throws Error when there is no normal image to train on.
 */
export const settle = async <Config extends DetectorConfig>(data: string, given: Config) => {
  const dataset = await readDataset(data);
  const { training, validation } = splitTraining(dataset.train, given);
  if (training.length === 0)
    throw new Error(`"${data}" holds no normal image to train on. Label them good: in a folder, they belong in train/good.`);
  const { channels, depth, range } = given.image;
  const config = {
    ...given,
    image: {
      ...given.image,
      depth: depth === "auto" ? await depthOfImages(training) : depth,
      channels: channels === "auto" ? ((await imagesAreGrey(training, { range })) ? 1 : 3) : channels,
    },
  } as Settled<Config>;
  return { dataset, training, validation, config };
};

/** Plans a training, see `settle`. `weightsOf` gives the part of the configuration that decides the weights. */
export const planTraining = async <Config extends DetectorConfig>(
  data: string,
  out: string,
  given: Config,
  weightsOf: (config: Settled<Config>) => unknown,
): Promise<TrainingPlan<Config>> => {
  const { dataset, training, validation, config } = await settle(data, given);
  const digests = await digestsOf(training);
  const dataDigest = await digestOfData(training, digests);
  const region = (await exists(runFiles(out).region)) ? runFiles(out).region : given.image.roi;
  const regionDigest = region === undefined ? undefined : digestOfMask(await decodeMask(region));
  return {
    config,
    training,
    validation,
    dataDigest,
    digest: digestOf(JSON.stringify({ weights: weightsOf(config), dataDigest, regionDigest })),
    unusable: unusableFiles(dataset.skipped),
    warnings: await sameImages(training, dataset.test, digests),
  };
};

/** The SHA-256 of each image, by its path. One after another: a thousand files cannot be open at once. */
const digestsOf = async (samples: readonly Sample[]): Promise<Map<string, string>> => {
  const digests = new Map<string, string>();
  for (const { path } of samples) digests.set(path, await digestOfFile(path));
  return digests;
};

/** SHA-256 over the images that are trained on and what is ignored in them; `digests` are those of the images, where they are known. */
export const digestOfData = async (
  training: readonly Sample[],
  digests: ReadonlyMap<string, string> = new Map(),
): Promise<string> => {
  const ignored = training.flatMap(({ name, ignorePath }) =>
    ignorePath === undefined ? [] : [{ name: `${name}, ignored`, path: ignorePath }],
  );
  const parts: { readonly name: string; readonly digest: string }[] = [];
  for (const { name, path } of [...training, ...ignored]) {
    parts.push({ name, digest: digests.get(path) ?? (await digestOfFile(path)) });
  }
  return digestOfDigests(parts);
};

/** Of what the mask says: the run's copy is another file than the one that was given. */
const digestOfMask = ({ width, height, data }: Mask): string =>
  digestOf(`${width} x ${height} ${Buffer.from(data).toString("base64")}`);

/** Warns of test images that are trained on. */
const sameImages = async (
  training: readonly Sample[],
  test: readonly Sample[],
  digests: ReadonlyMap<string, string>,
): Promise<string[]> => {
  const seen = new Set(training.map(({ path }) => digests.get(path)));
  const leaked: Sample[] = [];
  for (const sample of test) if (seen.has(await digestOfFile(sample.path).catch(() => ""))) leaked.push(sample);
  return leaked.length === 0
    ? []
    : [
        `${leaked.length} test images are training images as well (${leaked[0].name}, ...): their scores say nothing. lynceus inspect lists them.`,
      ];
};
