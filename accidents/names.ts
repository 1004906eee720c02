import { execFile } from "node:child_process";
import { symlink, truncate, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Expectation } from "./formats/format.ts";

const padded = (start: string, end: string, length: number): string => start.padEnd(length - Buffer.byteLength(end), "x") + end;

/** Names that a file system allows and programs stumble over. `id` is different for every file. */
export const hostileNames: Readonly<Record<string, (id: string, extension: string) => string>> = {
  spaces: (id, extension) => `  ${id}  two  words ${extension}`,
  "leading dash": (id, extension) => `-${id}${extension}`,
  "an option": (id, extension) => `--out=${id}${extension}`,
  umlauts: (id, extension) => `${id} Prüfstück Größe${extension}`,
  "letters and accents apart": (id, extension) => `${id} Pru\u0308fstu\u0308ck${extension}`,
  Japanese: (id, extension) => `${id} 検査${extension}`,
  emoji: (id, extension) => `${id} 🔍👩‍🏭${extension}`,
  "right to left": (id, extension) => `${id} \u202Egnp.x${extension}`,
  newline: (id, extension) => `${id}\nsecond line${extension}`,
  "carriage return": (id, extension) => `${id}\rreturn${extension}`,
  "control characters": (id, extension) => `${id}\x1b[31m\x07\x01${extension}`,
  "the sign for unreadable characters": (id, extension) => `${id} \u{fffd}${extension}`,
  quotes: (id, extension) => `${id} "'\`${extension}`,
  backslash: (id, extension) => `${id}\\n\\back${extension}`,
  "a shell command": (id, extension) => `${id} $(exit 9);|&*?${extension}`,
  markup: (id, extension) => `${id}<script>alert(1)<b>&amp;${extension}`,
  "per cent": (id, extension) => `${id}%2e%2e%00%s%n${extension}`,
  "capital extension": (id, extension) => `${id}${extension.toUpperCase()}`,
  "two extensions": (id, extension) => `${id}.heatmap${extension}`,
  dots: (id, extension) => `${id}...${extension}`,
  "200 characters": (id, extension) => padded(id, extension, 200),
  "255 characters": (id, extension) => padded(id, extension, 255),
  "255 bytes of umlauts": (id, extension) => `${id}${"ü".repeat((255 - id.length - extension.length) >> 1)}${extension}`,
  "a folder named like a picture": (id, extension) => `${id}${extension}/inside${extension}`,
  "a deep folder": (id, extension) => `${id}/${Array.from({ length: 30 }, (_, i) => i).join("/")}/deep${extension}`,
  "an inherited property": (id, extension) => `${id}/constructor${extension}`,
  "another inherited property": (id, extension) => `${id}/__proto__${extension}`,
};

/** What stands under a picture's name and is no ordinary file, or no ordinary size. `picture` is a valid file elsewhere. */
export const hostilePlaces: Readonly<
  Record<string, { readonly expectation: Expectation; make(path: string, picture: string): Promise<unknown> }>
> = {
  "link to nowhere": { expectation: "bad", make: (path) => symlink("nowhere.png", path) },
  "link to itself": { expectation: "bad", make: (path) => symlink(path, path) },
  "link to its folder": { expectation: "bad", make: (path) => symlink(".", path) },
  "link to a device without end": { expectation: "bad", make: (path) => symlink("/dev/zero", path) },
  "link to a picture": { expectation: "good", make: (path, picture) => symlink(picture, path) },
  pipe: { expectation: "bad", make: (path) => promisify(execFile)("mkfifo", [path]) },
  "hole of 400 MB": { expectation: "bad", make: (path) => hole(path, 400) },
  "hole of 5,000 MB": { expectation: "bad", make: (path) => hole(path, 5000) },
};

const hole = async (path: string, megabytes: number): Promise<void> => {
  await writeFile(path, "");
  await truncate(path, megabytes * 1e6);
};
