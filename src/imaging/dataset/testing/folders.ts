import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { encodePng } from "../../encode.ts";
import { createImage } from "../../image.ts";

/** A new folder with these files: of pictures one grey pixel, and texts as given. */
export const folderWith = async (...files: (string | Record<string, string>)[]): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), "lynceus-dataset-"));
  await addTo(root, ...files);
  return root;
};

export const addTo = async (root: string, ...files: (string | Record<string, string>)[]): Promise<void> => {
  const picture = await encodePng(createImage(1, 1));
  for (const file of files) {
    const contents = typeof file === "string" ? { [file]: picture } : file;
    for (const [name, content] of Object.entries(contents)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), content);
    }
  }
};

/** "normal/000.png" .. for as many as asked. */
export const numbered = (folder: string, count: number): string[] =>
  Array.from({ length: count }, (_, number) => `${folder}/${String(number).padStart(3, "0")}.png`);

/** A path as it is written in tests. */
export const relativeTo = (root: string, path: string | undefined): string | undefined =>
  path && relative(root, path).split(sep).join("/");
