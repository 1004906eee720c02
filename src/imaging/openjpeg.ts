import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** What is used of `@cornerstonejs/codec-openjpeg`, OpenJPEG in WebAssembly (its J2KDecoder.hpp). */
interface OpenJpeg {
  /** All of its memory. */
  readonly HEAPU8: Uint8Array;
  readonly J2KDecoder: new () => {
    getEncodedBuffer(length: number): Uint8Array;
    /** What is wrong it only prints. */
    decode(): void;
    /** A copy. */
    getDecodedBuffer(): Uint8ClampedArray<ArrayBuffer>;
    getColorSpace(): number;
    delete(): void;
  };
}

const SRGB = 1;

/** The most memory that it may take, in bytes, twice what the largest tile needs: a small file can ask for all that there is. */
const MAX_MEMORY = 2 ** 29;

/** Memory beyond which it is given back after a tile: it never shrinks. */
const KEPT_MEMORY = 2 ** 27;

export interface DecodedStream {
  /** `[height, width, channels]`, 8 bits; empty when it is damaged or cut short. */
  readonly pixels: Uint8Array;
  /** Whether it had chrominance of fewer samples, which the decoder repeats and turns to RGB. */
  readonly turned: boolean;
}

/**
 * Decodes a code stream of 1 or 3 channels of 8 bits. OpenJPEG undoes the transform of its components, if there is one; colours are
 * otherwise as they are stored. @throws what the decoder does, seldom an Error, when it is damaged or needs too much memory.
 */
export const decodeCodeStream = async (stream: Uint8Array): Promise<DecodedStream> => {
  const openJpeg = await startOpenJpeg();
  let whole = false;
  try {
    const decoder = new openJpeg.J2KDecoder();
    decoder.getEncodedBuffer(stream.length).set(stream);
    decoder.decode();
    const decoded = { pixels: new Uint8Array(decoder.getDecodedBuffer().buffer), turned: decoder.getColorSpace() === SRGB };
    decoder.delete();
    whole = true;
    return decoded;
  } finally {
    // What an error left in its memory is never freed.
    if (!whole || openJpeg.HEAPU8.length > KEPT_MEMORY) running = undefined;
  }
};

let running: Promise<OpenJpeg> | undefined;

/** Loads the decoder, unless it is there. @throws Error when it is not installed. */
export const startOpenJpeg = (): Promise<OpenJpeg> => {
  running ??= loadOpenJpeg();
  return running;
};

const loadOpenJpeg = async (): Promise<OpenJpeg> => {
  const require = createRequire(import.meta.url);
  const start: (options: object) => Promise<OpenJpeg> = require("@cornerstonejs/codec-openjpeg/decodewasmjs");
  const code = await WebAssembly.compile(await readFile(require.resolve("@cornerstonejs/codec-openjpeg/decodewasm")));
  return start({
    print: () => {},
    printErr: () => {},
    instantiateWasm: (imports: object, use: (instance: object) => void) => {
      const instance = new WebAssembly.Instance(code, imports);
      for (const part of Object.values(instance.exports)) if (part instanceof WebAssembly.Memory) limit(part);
      use(instance);
      return instance.exports;
    },
  });
};

/** Growing beyond the limit fails, as where a machine has no more. */
const limit = (memory: Memory): void => {
  const grow = memory.grow.bind(memory);
  memory.grow = (pages) => {
    if (memory.buffer.byteLength + pages * 2 ** 16 > MAX_MEMORY) throw new RangeError("It needs too much memory.");
    return grow(pages);
  };
};

interface Memory {
  readonly buffer: ArrayBuffer;
  /** By pages of 64 KiB. */
  grow(pages: number): number;
}

/** The types of Node lack it. */
declare const WebAssembly: {
  compile(code: Uint8Array): Promise<object>;
  readonly Instance: new (code: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly Memory: new () => Memory;
};
