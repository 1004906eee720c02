import { dirname } from "node:path";
import { removeTemporaryFiles } from "../files/index.ts";
import { hasBegun } from "./checkpoint.ts";
import { foldsOfRun, type RunFiles, removeModel } from "./run-folder.ts";

/**
 * Makes a run's folder ready for a training: temporary files of a killed one go, and what an earlier one left goes too, unless `resume` is asked
 * and there is something to go on from. Gives whether the training goes on.
 */
export const beginInFolder = async (files: RunFiles, resume = false): Promise<boolean> => {
  for (const { folder, checkpoint } of [files, ...(await foldsOfRun(files))]) {
    await removeTemporaryFiles(folder);
    await removeTemporaryFiles(dirname(checkpoint));
  }
  const goesOn = resume && (await hasBegun(files));
  if (!goesOn) await removeModel(files);
  return goesOn;
};
