import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeImage, readImageHeader } from "./index.ts";

/** Written by scripts/reference/formats.py: small files of every kind, and what other decoders make of them. */
interface Fixture {
  readonly file: string;
  readonly readers: readonly string[];
  readonly tolerance: number;
  readonly range?: { low: number; high: number };
  readonly header: Readonly<Record<string, unknown>>;
  readonly pixels: Readonly<Record<"8" | "16", string | undefined>>;
}

const folder = new URL("./fixtures/formats/", import.meta.url);
const { files, pixels }: { files: Fixture[]; pixels: Record<string, string> } = JSON.parse(
  readFileSync(new URL("formats.json", folder), "utf8"),
);

const valuesOf = (name: string, depth: 8 | 16): Uint8Array | Uint16Array => {
  const bytes = inflateSync(Buffer.from(pixels[name], "base64"));
  return depth === 8 ? new Uint8Array(bytes) : new Uint16Array(new Uint8Array(bytes).buffer);
};

/** The picture at a depth; where only the other was stored, one follows from the other. */
const expectedAt = ({ pixels: stored }: Fixture, depth: 8 | 16): ArrayLike<number> => {
  const own = stored[`${depth}`];
  if (own !== undefined) return valuesOf(own, depth);
  if (depth === 16) return Uint16Array.from(valuesOf(stored["8"]!, 8), (value) => value * 257);
  return Uint8Array.from(valuesOf(stored["16"]!, 16), (value) => Math.round(value / 257));
};

describe.each(files.map((fixture) => [fixture.file, fixture] as const))("%s", (file, fixture) => {
  const bytes = readFileSync(new URL(file, folder));
  const { width, height } = fixture.header as { width: number; height: number };

  test.each([8, 16] as const)(`at %s bits as ${fixture.readers.join(" and ")}`, async (depth) => {
    const image = await decodeImage(bytes, { depth, range: fixture.range, name: "wrong extension.txt" });
    expect([image.width, image.height]).toEqual([width, height]);
    const expected = expectedAt(fixture, depth);
    expect(image.data.length).toBe(expected.length);
    expect(image.data.constructor).toBe(depth === 8 ? Uint8Array : Uint16Array);
    const worst = Array.from(image.data).reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i])), 0);
    // A tolerance is in levels of 8 bits, to which the reference was rounded.
    expect(worst).toBeLessThanOrEqual(
      depth === 8 || fixture.tolerance === 0 ? fixture.tolerance : (fixture.tolerance + 0.5) * 257,
    );
  });

  test("its header is read as it was written", async () => {
    const usual = { float: false, alpha: false, pages: 1, profile: false };
    expect(await readImageHeader(bytes)).toEqual({ ...usual, ...fixture.header });
  });
});
