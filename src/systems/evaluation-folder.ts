import { basename, join, resolve } from "node:path";
import { readJson, runFiles } from "../training/index.ts";

/** Where the evaluation of a run goes: into the run for its own data; another folder's figures do not replace those, and go beside them. */
export const evaluationFolder = async (run: string, data: string): Promise<string> => {
  const manifest = (await readJson(runFiles(run).manifest)) as { data?: string } | undefined;
  return manifest?.data === resolve(data) ? run : join(run, `evaluation-${basename(resolve(data))}`);
};
