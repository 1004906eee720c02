import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchOnce } from "./index.ts";

const newFolder = () => mkdtemp(join(tmpdir(), "lynceus-fetch-"));
/** SHA-256 of "abc", from FIPS 180-2, appendix B.1. */
const DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

const status =
  (code: number, headers = {}) =>
  (_: IncomingMessage, response: ServerResponse) =>
    response.writeHead(code, headers).end("<p>not the file</p>");

const pages: Record<string, RequestListener> = {
  "/model.onnx": (_, response) => response.end("abc"),
  "/moved": status(302, { location: "/model.onnx" }),
  "/circle": status(302, { location: "/circle" }),
  "/missing": status(404),
  "/nothing": (_, response) => response.writeHead(204).end(),
  "/page.onnx": status(200, { "content-type": "text/html; charset=utf-8" }),
  "/empty": (_, response) => response.end(),
  // The two ways in which a connection ends early.
  "/cut": (_, response) =>
    response.writeHead(200, { "content-length": 10 }).write("abc", () => setTimeout(() => response.destroy(), 50)),
  "/closed": (_, response) => response.writeHead(200, { "content-length": 10, connection: "close" }).end("abc"),
  "/chunks": (_, response) => {
    response.write("a".repeat(60));
    response.end("b".repeat(60));
  },
  "/endless": (_, response) => response.write("abc"),
};

describe("a file that is fetched once", () => {
  let server: Server;
  let at: (path: string) => string;
  const requests: string[] = [];
  const countOf = (path: string): number => requests.filter((url) => url.split("?")[0] === path).length;
  let changed: string | undefined;

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(request.url as string);
      if (changed !== undefined) response.end(changed);
      else pages[(request.url as string).split("?")[0]](request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    at = (path) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("is read from the folder afterwards, without a request", async () => {
    const folder = join(await newFolder(), "new");
    const seen: unknown[] = [];
    const first = await fetchOnce(at("/model.onnx?key=secret"), { folder, onProgress: (...counts) => seen.push(counts) });
    expect(first).toMatchObject({ bytes: new TextEncoder().encode("abc"), digest: DIGEST });
    expect(seen).toEqual([[3, 3]]);
    const before = requests.length;
    expect(await fetchOnce(at("/model.onnx?key=secret"), { folder })).toEqual(first);
    expect(await fetchOnce(at(`/model.onnx?key=secret#sha256=${DIGEST.toUpperCase()}`), { folder })).toEqual(first);
    expect(requests.length).toBe(before);

    expect(basename(first.path as string)).toMatch(/^[0-9a-f]{32}-model\.onnx$/);
    const record = await readFile(`${first.path}.json`, "utf8");
    expect(JSON.parse(record)).toMatchObject({ sha256: DIGEST, bytes: 3, url: at("/model.onnx") });
    expect(record).not.toContain("secret");
    expect(await readdir(folder)).toHaveLength(2);
    await fetchOnce(at("/model.onnx?key=other"), { folder });
    expect(await readdir(folder)).toHaveLength(4);
  });

  test("is found behind a redirection, and fetched every time where nothing can be written", async () => {
    const folder = join(await newFolder(), "taken");
    await writeFile(folder, "a file is no folder");
    for (const count of [1, 2]) {
      const fetched = await fetchOnce(at("/moved"), { folder });
      expect(fetched).toEqual({ bytes: new TextEncoder().encode("abc"), digest: DIGEST, path: undefined });
      expect(countOf("/moved")).toBe(count);
    }
  });

  test("is refused when it was changed in the folder, and when another one comes in its place", async () => {
    const folder = await newFolder();
    const url = at("/model.onnx");
    const { path } = (await fetchOnce(url, { folder })) as { path: string };
    await writeFile(path, "abd");
    const damaged = fetchOnce(url, { folder });
    await expect(damaged).rejects.toThrow(`The file "${path}" in the cache is damaged: its SHA-256 is a52d159f`);
    await expect(damaged).rejects.toThrow(
      `but ${DIGEST} is recorded in "${path}.json". Delete it, and it is fetched again from "${url}".`,
    );
    await rm(path);
    changed = "other";
    const other = fetchOnce(url, { folder });
    await expect(other).rejects.toThrow(`The file from "${url}" has changed: its SHA-256 is d9298a10`);
    await expect(other).rejects.toThrow(
      `but ${DIGEST} was recorded when it was first fetched. If you trust it, delete "${path}.json".`,
    );
    changed = undefined;
    expect(await fetchOnce(url, { folder })).toMatchObject({ digest: DIGEST, path });
  });

  test("must have the digest that its address states, when it comes and when it is kept", async () => {
    const folder = await newFolder();
    const wrong = `${at("/model.onnx")}#sha256=${"0".repeat(64)}`;
    await expect(fetchOnce(wrong, { folder })).rejects.toThrow(
      `has the SHA-256 ${DIGEST}, but the address says ${"0".repeat(64)}: it is another file, or was changed. It is not used.`,
    );
    expect(await readdir(folder)).toEqual([]);
    const { path } = await fetchOnce(`${at("/model.onnx")}#sha256=${DIGEST}`, { folder });
    await expect(fetchOnce(wrong, { folder })).rejects.toThrow(
      `The file "${path}" was fetched from "${at("/model.onnx")}" and has`,
    );
  });

  test.each([
    ["/missing", "the server answered 404 Not Found. Check the address"],
    ["/nothing", "the server answered 204 No Content."],
    ["/page.onnx", "the server sent a web page (text/html), not a file."],
    ["/empty", "the server sent an empty file."],
    ["/cut", "the transfer broke off after 3 of 10 bytes. Try again"],
    ["/closed", "the transfer broke off after 3 of 10 bytes."],
    ["/circle", "there is no connection to its host (redirect count exceeded)."],
  ])("%s is refused, named in a sentence, and not kept", async (path, sentence) => {
    const folder = await newFolder();
    await expect(fetchOnce(at(path), { folder })).rejects.toThrow(`Cannot fetch "${at(path)}": ${sentence}`);
    expect(await readdir(folder)).toEqual([]);
  });

  test("may not be larger than allowed, whether its server says so or not", async () => {
    const folder = await newFolder();
    await expect(fetchOnce(at("/model.onnx"), { folder, largest: 2 })).rejects.toThrow("more than the 2 bytes that are allowed");
    await expect(fetchOnce(at("/chunks"), { folder, largest: 100 })).rejects.toThrow("more than the 100 bytes that are allowed");
    expect(await readdir(folder)).toEqual([]);
    const seen: unknown[] = [];
    const { bytes } = await fetchOnce(at("/chunks"), { folder, largest: 120, onProgress: (...counts) => seen.push(counts) });
    expect(bytes).toHaveLength(120);
    expect(seen.at(-1)).toEqual([120, undefined]);
  });

  test("ends when it is stopped, with the reason", async () => {
    const folder = await newFolder();
    const controller = new AbortController();
    const stop = () => controller.abort(new Error("Stopped."));
    await expect(fetchOnce(at("/endless"), { folder, signal: controller.signal, onProgress: stop })).rejects.toThrow(
      /^Stopped\.$/,
    );
    await expect(fetchOnce(at("/model.onnx"), { folder, signal: controller.signal })).rejects.toThrow(/^Stopped\.$/);
    expect(await readdir(folder)).toEqual([]);
  });
});

test("a host that is unknown or not listening is named", async () => {
  const folder = await newFolder();
  await expect(fetchOnce("https://nowhere.invalid/model.onnx", { folder })).rejects.toThrow(
    /^Cannot fetch "https:\/\/nowhere\.invalid\/model\.onnx": its host cannot be found, or this machine is offline \(E\w+\)\. Check the address and the network, or fetch the file in another way and give its path\.$/,
  );
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await expect(fetchOnce(`http://127.0.0.1:${port}/x`, { folder })).rejects.toThrow("no connection to its host (ECONNREFUSED)");
});

test.each([
  ["model.onnx", '"model.onnx" is no address that a file can be fetched from. Give one that begins with https://'],
  ["file:///etc/passwd", "is no address that a file can be fetched from"],
  ["https://me:secret@example.org/x", 'The address "https://example.org/x" holds a user name or a password.'],
  ["https://example.org/x#sha256=12ab", 'ends in "#sha256=12ab". After # it can state the file\'s digest'],
  ["https://example.org/x#main", 'ends in "#main"'],
])("%s is refused before any request", async (url, sentence) => {
  await expect(fetchOnce(url, { folder: "never-made" })).rejects.toThrow(sentence);
});
