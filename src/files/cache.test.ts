import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cachedFile, cacheFolder } from "./index.ts";

const newFolder = async () => join(await mkdtemp(join(tmpdir(), "lynceus-cache-")), "new");
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
/** SHA-256 of "abc", from FIPS 180-2, appendix B.1. */
const DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/** Makes "abc", and counts how often. */
const maker = () => {
  let count = 0;
  return { make: async () => bytesOf(["abc", "second"][count++] ?? "more"), count: () => count };
};

describe("the cache folder", () => {
  const home = homedir();
  test.each([
    [{ LYNCEUS_CACHE: "here", XDG_CACHE_HOME: "/x", LOCALAPPDATA: "/l" }, "linux", "here"],
    [{ XDG_CACHE_HOME: "/x" }, "darwin", join("/x", "lynceus")],
    [{ LYNCEUS_CACHE: "", XDG_CACHE_HOME: "" }, "linux", join(home, ".cache", "lynceus")],
    [{}, "darwin", join(home, "Library", "Caches", "lynceus")],
    [{ LOCALAPPDATA: "/l" }, "win32", join("/l", "lynceus", "Cache")],
    [{ LOCALAPPDATA: "/l" }, "linux", join(home, ".cache", "lynceus")],
  ] as const)("with %j on %s is %s", (environment, platform, folder) => {
    expect(cacheFolder(environment, platform)).toBe(folder);
  });
});

describe("a cached file", () => {
  test("is made once, with its digest beside it", async () => {
    const folder = await newFolder();
    const { make, count } = maker();
    const made = await cachedFile("x.bin", make, { folder });
    expect(made).toEqual({ bytes: bytesOf("abc"), digest: DIGEST });
    expect(await cachedFile("x.bin", make, { folder })).toEqual(made);
    expect(count()).toBe(1);
    expect((await readdir(folder)).sort()).toEqual(["x.bin", "x.bin.json"]);
    expect(JSON.parse(await readFile(join(folder, "x.bin.json"), "utf8"))).toEqual({ sha256: DIGEST, bytes: 3 });
  });

  test("whose writer was killed before the record is made again", async () => {
    const folder = await newFolder();
    const { make, count } = maker();
    await cachedFile("x.bin", make, { folder });
    await rm(join(folder, "x.bin.json"));
    expect((await cachedFile("x.bin", make, { folder })).bytes).toEqual(bytesOf("second"));
    expect(count()).toBe(2);
  });

  test.each([
    ["the file", "x.bin", "abd", /its SHA-256 is a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9, but ba7816bf/],
    ["the record", "x.bin.json", "{", /its SHA-256 is ba7816bf\w+, but nothing readable is recorded in ".*x\.bin\.json"/],
    ["the record", "x.bin.json", '{"sha256":1}', /but nothing readable is recorded/],
  ])("is refused, or made again where that is wanted, when %s was changed (%s: %s)", async (_, name, text, sentence) => {
    const folder = await newFolder();
    const { make, count } = maker();
    await cachedFile("x.bin", make, { folder });
    await writeFile(join(folder, name), text);
    const refused = cachedFile("x.bin", make, { folder });
    await expect(refused).rejects.toThrow(sentence);
    await expect(refused).rejects.toThrow(`The file "${join(folder, "x.bin")}" in the cache is damaged`);
    await expect(refused).rejects.toThrow("Delete it, and it is made again.");
    expect(count()).toBe(1);
    expect((await cachedFile("x.bin", make, { folder, remake: true })).bytes).toEqual(bytesOf("second"));
    expect((await cachedFile("x.bin", make, { folder })).bytes).toEqual(bytesOf("second"));
    expect(count()).toBe(2);
  });

  test("is made every time where nothing can be written", async () => {
    const folder = join(await mkdtemp(join(tmpdir(), "lynceus-cache-")), "taken");
    await writeFile(folder, "a file is no folder");
    const { make, count } = maker();
    expect(await cachedFile("x.bin", make, { folder })).toEqual({ bytes: bytesOf("abc"), digest: DIGEST });
    expect((await cachedFile("x.bin", make, { folder })).bytes).toEqual(bytesOf("second"));
    expect(count()).toBe(2);
  });

  test("made by several at once is whole", async () => {
    const folder = await newFolder();
    const large = new Uint8Array(300_000).fill(7);
    await Promise.all(Array.from({ length: 6 }, () => cachedFile("x.bin", async () => large.slice(), { folder })));
    const kept = await cachedFile("x.bin", () => Promise.reject(new Error("it is made already")), { folder });
    expect(kept.bytes).toEqual(large);
    expect((await readdir(folder)).sort()).toEqual(["x.bin", "x.bin.json"]);
  });

  test("that cannot be made leaves nothing", async () => {
    const folder = await newFolder();
    await expect(cachedFile("x.bin", () => Promise.reject(new Error("No.")), { folder })).rejects.toThrow("No.");
    expect(await readdir(join(folder, ".."))).toEqual([]);
  });
});
