import { readDetector } from "../detection/index.ts";
import { writeFileAtomic } from "../files/index.ts";
import { readModelFile } from "./model-file.ts";
import { output } from "./output.ts";

export const exportModel = async (
  run: string,
  { out, json }: { readonly out: string; readonly json?: boolean },
): Promise<void> => {
  const { say, finish } = output(json);
  const bytes = await readModelFile(run);
  const { description } = readDetector(bytes);
  await writeFileAtomic(out, bytes);
  say(`Wrote ${out} (${(bytes.length / 2 ** 20).toFixed(1)} MB, ${description.system}).`);
  if (description.threshold === undefined) say("It has no threshold: the run is unfinished, or had too few normal images.");
  finish({ model: out, bytes: bytes.length, system: description.system, threshold: description.threshold });
};
