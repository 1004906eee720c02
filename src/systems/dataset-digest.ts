import { readDataset } from "../imaging/index.ts";
import { digestOfDigests, digestOfFile } from "../training/index.ts";

/** SHA-256 over every image and mask of a data set and what they are to it; a file that cannot be read counts as empty. */
export const digestOfDataset = async (data: string): Promise<string> => {
  const { train, test } = await readDataset(data);
  const parts: { readonly name: string; readonly digest: string }[] = [];
  for (const { split, kind, name, path, maskPath = "", ignorePath = "" } of [...train, ...test]) {
    for (const file of [path, maskPath, ignorePath]) {
      parts.push({ name: `${split} ${kind} ${name}`, digest: file && (await digestOfFile(file).catch(() => "")) });
    }
  }
  return digestOfDigests(parts);
};
