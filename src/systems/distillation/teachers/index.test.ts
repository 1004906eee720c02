import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProgressEvent } from "../../../training/index.ts";
import { tinyTeacher } from "../testing/tiny-teacher.ts";
import { readTeacher } from "./index.ts";
import { objectronTrunk } from "./objectron.ts";

const bytes = tinyTeacher();
const digest = createHash("sha256").update(bytes).digest("hex");
const cacheBefore = process.env.LYNCEUS_CACHE;

let folder: string;
let server: Server;
let address: string;
const requests: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-teachers-"));
  process.env.LYNCEUS_CACHE = join(folder, "cache");
  server = createServer((request, response) => {
    requests.push(request.url as string);
    if (request.url?.startsWith("/models/tiny.onnx")) response.end(Buffer.from(bytes));
    else if (request.url === "/models/page.onnx") response.end("<!DOCTYPE html><p>Sign in to download.</p>");
    else if (request.url === "/models/half.onnx") response.end(Buffer.from(bytes.subarray(0, bytes.length >> 1)));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  if (cacheBefore === undefined) delete process.env.LYNCEUS_CACHE;
  else process.env.LYNCEUS_CACHE = cacheBefore;
  await rm(folder, { recursive: true });
});

/** To be compared at once: a list of all that differs would take minutes. */
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe("a teacher's file by its path", () => {
  test("has its bytes and digest, and the name without the way to it", async () => {
    const path = join(folder, "tiny.onnx");
    await writeFile(path, bytes);
    const found = await readTeacher(path);
    expect(same(found.bytes, bytes)).toBe(true);
    expect(found).toMatchObject({ name: "tiny.onnx", digest, scaling: "imagenet" });
  });

  test.each([
    ["missing.onnx", "there is no such file"],
    [".", "it is a folder"],
  ])("that cannot be read (%s) is named with what to do", async (name, reason) => {
    const path = join(folder, name);
    await expect(readTeacher(path)).rejects.toThrow(
      `The teacher "${path}" cannot be read: ${reason}. Give the path of an ONNX model, an address (https://...), or objectron.`,
    );
  });
});

describe("a teacher's address", () => {
  test("is fetched once, told as it goes, and known by its last part", async () => {
    const events: ProgressEvent[] = [];
    const url = `${address}/models/tiny.onnx?key=secret`;
    const first = await readTeacher(url, { listener: (event) => events.push(event) });
    expect(same(first.bytes, bytes)).toBe(true);
    expect(first).toMatchObject({ name: "tiny.onnx", digest, scaling: "imagenet" });
    expect(events.at(-1)).toEqual({
      kind: "count",
      text: "fetching the teacher, bytes",
      done: bytes.length,
      total: bytes.length,
    });
    const again = await readTeacher(url);
    expect(same(again.bytes, bytes)).toBe(true);
    expect(requests).toEqual(["/models/tiny.onnx?key=secret"]);
  });

  test("that gives another file than it says, or none, is refused", async () => {
    await expect(readTeacher(`${address}/models/tiny.onnx#sha256=${"0".repeat(64)}`)).rejects.toThrow(
      `has the SHA-256 ${digest}, but the address says ${"0".repeat(64)}`,
    );
    await expect(readTeacher(`${address}/models/none.onnx`)).rejects.toThrow("the server answered 404 Not Found");
    await expect(readTeacher("ftp://example.org/tiny.onnx")).rejects.toThrow("is no address that a file can be fetched from");
  });

  test.each(["page.onnx", "half.onnx"])("that gives no ONNX model (%s) is named, and nothing is kept of it", async (name) => {
    const kept = await readdir(join(folder, "cache"));
    const url = `${address}/models/${name}`;
    await expect(readTeacher(url)).rejects.toThrow(`The file from "${url}" cannot be used: The file is not an ONNX model: `);
    expect(await readdir(join(folder, "cache"))).toEqual(kept);
  });

  test("can be given up", async () => {
    const signal = AbortSignal.abort(new Error("Ctrl-C"));
    await expect(readTeacher(`${address}/models/tiny.onnx?again`, { signal })).rejects.toThrow("Ctrl-C");
  });
});

describe("objectron", () => {
  test("is converted once into the cache, read from it afterwards, and made again where it was damaged", async () => {
    const cache = join(folder, "objectron");
    process.env.LYNCEUS_CACHE = cache;
    const made = await readTeacher("objectron");
    expect(same(made.bytes, await objectronTrunk())).toBe(true);
    expect(made).toMatchObject({ name: "objectron", scaling: "symmetric" });
    const [file] = (await readdir(cache)).filter((name) => name.endsWith(".onnx"));
    const path = join(cache, file);
    expect(same(await readFile(path), made.bytes)).toBe(true);
    expect(
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    ).toBe(made.digest);

    const written = await stat(path);
    const read = await readTeacher("objectron");
    expect(same(read.bytes, made.bytes)).toBe(true);
    expect((await stat(path)).mtimeMs).toBe(written.mtimeMs);

    const harmed = Uint8Array.from(made.bytes);
    harmed[harmed.length >> 1] ^= 1;
    await writeFile(path, harmed);
    const mended = await readTeacher("objectron");
    expect(same(mended.bytes, made.bytes)).toBe(true);
    expect(mended.digest).toBe(made.digest);
    expect(same(await readFile(path), made.bytes)).toBe(true);
  });
});
