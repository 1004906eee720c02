import type { SkippedFile } from "../imaging/index.ts";
import { digestOf, foldFiles, type RunFiles, readJson, writeJson } from "../training/index.ts";
import type { MethodConfig } from "./method.ts";
import { openScorer, type RunOfNetworks, trainNetwork } from "./network.ts";
import { chosen, type PreparedImages } from "./prepared-images.ts";
import { foldsOfImages, type NormalScore, scoreNormal } from "./threshold.ts";

/** The scores of each fold's images; or, where the signal stopped it, the step of the network that was being trained. */
export type FoldScores = { readonly folds: NormalScore[][] } | { readonly stoppedAt: number };

/**
 * Trains the further networks that `validation.folds` asks for, each without one part of the images, and scores that part. Each has a
 * folder of its own in the run's; what is scored there already is not scored again.
 */
export const scoreFolds = async <Config extends MethodConfig>(
  run: RunOfNetworks<Config>,
  images: PreparedImages,
  files: RunFiles,
  digest: string,
  skipped: SkippedFile[],
): Promise<FoldScores> => {
  const { config, resume, listener } = run;
  const names = (positions: readonly number[]) => positions.map((position) => images.samples[position].name);
  const folds: NormalScore[][] = [];
  for (const [index, { kept, left }] of foldsOfImages(images, config).entries()) {
    listener?.({ kind: "stage", text: `network ${index + 1} of ${config.validation.folds} for the threshold` });
    const own = foldFiles(files, index + 1);
    // What scored them counts as well, and so does who was left out.
    const foldDigest = digestOf(JSON.stringify({ digest, left: names(left), kept: names(kept) }));
    const scoredBy = digestOf(JSON.stringify({ foldDigest, config }));
    const scored = (await readJson(own.evaluation)) as { digest: string; scores: NormalScore[] } | undefined;
    if (resume && scored?.digest === scoredBy) {
      folds.push(scored.scores);
      continue;
    }
    const { step, graph } = await trainNetwork(run, chosen(images, kept), own, foldDigest);
    if (graph === undefined) return { stoppedAt: step };
    const samples = left.map((position) => images.samples[position]);
    const scores = await scoreNormal(await openScorer(run, graph), samples, run, skipped);
    await writeJson(own.evaluation, { digest: scoredBy, scores });
    folds.push(scores);
  }
  return { folds };
};
