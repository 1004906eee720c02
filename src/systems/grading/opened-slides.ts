import { openSlide, type Slide } from "../../imaging/index.ts";
import type { Config } from "./config.ts";
import type { SlideSample } from "./data.ts";

/** A slide and its mask. */
export interface Opened {
  readonly slide: Slide;
  readonly mask: Slide;
}

export interface OpenedSlides {
  /** Opens a slide that has a mask, unless it still is, and keeps it open at least until `work` is done. */
  use<Result>(sample: SlideSample, work: (opened: Opened) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** Slides whose files are held open, as long as no more are used at once. */
const OPEN_SLIDES = 64;
/** Of decoded pixels that all of them hold. */
const BYTES = 2 ** 30;
/** A slide need not keep more tiles than this. */
const MOST_TILES = 64 * 2 ** 20;

interface Held {
  readonly opened: Promise<Opened>;
  users: number;
  /** The most that it can keep; 0 while it is being opened. */
  bytes: number;
}

/** Slides that are opened when they are used: those not in use for the longest time are closed when they are too many, or hold too much. */
export const openedSlides = (
  samples: number,
  { micronsPerPixel }: Pick<Config["slide"], "micronsPerPixel">,
  { most = OPEN_SLIDES, bytes: limit = BYTES } = {},
): OpenedSlides => {
  const cacheBytes = Math.min(MOST_TILES, Math.floor(limit / (2 * Math.min(samples, most)))); // slide and mask each
  const held = new Map<string, Held>(); // the one used last comes last

  const open = async ({ path, maskPath }: SlideSample): Promise<Opened> => {
    const slide = await openSlide(path, { micronsPerPixel, cacheBytes });
    try {
      return { slide, mask: await openSlide(maskPath as string, { indices: true, cacheBytes }) };
    } catch (error) {
      await slide.close();
      throw error;
    }
  };
  const closeOne = async (path: string, { opened }: Held): Promise<void> => {
    held.delete(path);
    const found = await opened.catch(() => undefined);
    await Promise.all([found?.slide.close(), found?.mask.close()]);
  };
  const closeIdle = async (): Promise<void> => {
    for (const [path, one] of held) {
      const bytes = [...held.values()].reduce((sum, other) => sum + other.bytes, 0);
      if (held.size === 1 || (held.size <= most && bytes <= limit)) return;
      if (one.users === 0) await closeOne(path, one);
    }
  };

  return {
    use: async (sample, work) => {
      const { path } = sample;
      const one = held.get(path) ?? { opened: open(sample), users: 0, bytes: 0 };
      one.users++;
      held.delete(path);
      held.set(path, one);
      try {
        const opened = await one.opened.catch((error: unknown) => {
          if (held.get(path) === one) held.delete(path);
          throw error;
        });
        one.bytes = bytesOf(opened.slide, cacheBytes) + bytesOf(opened.mask, cacheBytes);
        return await work(opened);
      } finally {
        one.users--;
        await closeIdle();
      }
    },
    close: async () => {
      for (const [path, one] of held) await closeOne(path, one);
    },
  };
};

/** Plain images are kept whole. */
const bytesOf = ({ format, width, height }: Slide, cacheBytes: number): number =>
  format === "plain image" ? 3 * width * height : Math.min(cacheBytes, 4 * width * height);
