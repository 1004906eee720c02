import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { prefetch } from "../prefetch.ts";
import { findNearPairs, medianSpacing } from "./neighbours.ts";
import type { Sample, SkippedFile } from "./sample.ts";
import { type Fingerprint, fingerprint } from "./thumbnail.ts";

export interface DuplicateOptions {
  /** Called after each image that was read. */
  onProgress?: (done: number, total: number) => void;
  /** Images decoded at the same time. Default 4. */
  workers?: number;
  signal?: AbortSignal;
}

export interface DuplicatePair {
  /** The one that comes first in the samples. */
  first: Sample;
  second: Sample;
  kind: "identical file" | "identical pixels" | "near-duplicate";
  /** Root mean square difference of the thumbnails in grey levels 0 .. 255; 0 for what is identical. */
  distance: number;
}

export interface DuplicateReport {
  /** How many images were compared. */
  images: number;
  pairs: DuplicatePair[];
  /** The pairs with one image for training and one for testing. */
  leaks: DuplicatePair[];
  /** Images nearer than this, in grey levels, count as near-duplicates. */
  threshold: number;
  /** Images that cannot be read. */
  skipped: SkippedFile[];
}

/** Copies of painted surfaces as JPEG of quality 80, also at half the size, stay below where they have 128 pixels a side. */
const MAX_THRESHOLD = 3;
const SHARE_OF_SPACING = 1 / 4;

/**
 * Finds images that are there more than once, above all in training and test at the same time, where they make a test
 * look better than it is. Compared are files (SHA-256), decoded pixels (at 8 bits), and grey thumbnails of 64 x 64 pixels
 * in the 8 mirrored and quarter-turned forms of one side.
 *
 * Thumbnails are near-duplicates when their root mean square difference is below 3 grey levels and below a quarter of
 * the series' own spacing (`medianSpacing`): before a fixed camera all images are alike, and none is a copy.
 *
 * Identical images are one image here: each further copy is one pair with the first (a copy in the test with the first
 * in training, where there is one), and a near-duplicate is a pair with the first of its copies in training and in test.
 * Pairs are in the order of the samples. An image that cannot be read is in `skipped`.
 * Throws the signal's reason when interrupted.
 */
export const findDuplicates = async (
  samples: readonly Sample[],
  { onProgress, workers = 4, signal }: DuplicateOptions = {},
): Promise<DuplicateReport> => {
  const skipped: SkippedFile[] = [];
  const distinct = new Map<string, { fingerprint: Fingerprint; copies: Sample[] }>();
  let done = 0;
  const tasks = samples.map(
    ({ path }) =>
      () =>
        fingerprint(path).catch((error: Error) => error),
  );
  for await (const result of prefetch(tasks, workers)) {
    signal?.throwIfAborted();
    const sample = samples[done++];
    if (result instanceof Error) skipped.push({ path: sample.path, reason: result.message });
    else if (distinct.has(result.digest)) distinct.get(result.digest)!.copies.push(sample);
    else distinct.set(result.digest, { fingerprint: result, copies: [sample] });
    onProgress?.(done, samples.length);
  }

  const images = [...distinct.values()];
  const pairs: DuplicatePair[] = [];
  for (const { copies } of images) for (const pair of await pairsOfCopies(copies, signal)) pairs.push(pair);

  const thumbnails = images.map((image) => image.fingerprint.thumbnail);
  const spacing = await medianSpacing(thumbnails, MAX_THRESHOLD / SHARE_OF_SPACING, signal);
  const threshold = spacing * SHARE_OF_SPACING;
  for (const { first, second, distance } of await findNearPairs(thumbnails, threshold, signal)) {
    for (const one of firstOfEachSplit(images[first].copies)) {
      for (const other of firstOfEachSplit(images[second].copies)) {
        pairs.push({ first: one, second: other, kind: "near-duplicate", distance });
      }
    }
  }

  const place = new Map(samples.map((sample, index) => [sample, index]));
  const inOrder = pairs.map((pair): DuplicatePair => {
    const [first, second] = [pair.first, pair.second].sort((a, b) => place.get(a)! - place.get(b)!);
    return { ...pair, first, second };
  });
  inOrder.sort((a, b) => place.get(a.first)! - place.get(b.first)! || place.get(a.second)! - place.get(b.second)!);
  const leaks = inOrder.filter(({ first, second }) => first.split !== second.split);
  return { images: samples.length - skipped.length, pairs: inOrder, leaks, threshold, skipped };
};

/** Each copy with the first one in training, or with the first where none is. */
const pairsOfCopies = async (copies: readonly Sample[], signal: AbortSignal | undefined): Promise<DuplicatePair[]> => {
  if (copies.length === 1) return [];
  const digests = new Map<Sample, string>();
  for (const copy of copies) {
    signal?.throwIfAborted();
    digests.set(copy, await digestOfFile(copy.path));
  }
  const first = copies.find(({ split }) => split === "train") ?? copies[0];
  return copies
    .filter((copy) => copy !== first)
    .map((second) => {
      const sameFile = digests.get(first) === digests.get(second);
      return { first, second, kind: sameFile ? "identical file" : "identical pixels", distance: 0 };
    });
};

const firstOfEachSplit = (copies: readonly Sample[]): Sample[] =>
  (["train", "test"] as const).flatMap((split) => copies.find((copy) => copy.split === split) ?? []);

/** SHA-256 of a file's bytes, which never are in memory as a whole; of a file that has gone its path. */
const digestOfFile = async (path: string): Promise<string> => {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    return hash.digest("hex");
  } catch {
    return path;
  }
};
