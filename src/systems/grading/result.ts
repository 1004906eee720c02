import type { TissueClass } from "./classes.ts";
import type { Gleason } from "./grade.ts";
import type { Origin } from "./origin.ts";
import type { Frequency } from "./sampling/index.ts";

/** What the network saw in a patch. */
export interface PatchResult {
  /** In pixels of level 0. */
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly density: number;
  readonly frequency: Frequency;
  /** How many pixels, at the network's resolution, each class has. */
  readonly areas: readonly number[];
  readonly gleason: Gleason;
}

/** The slide's classes, pixel by pixel, at the resolution that the network sees. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** Pixels of level 0 along one of the map. */
  readonly downsample: number;
  /** Class numbers of a region that lies inside the map, [height, width]; `NO_CLASS` where no patch was seen. */
  read(x: number, y: number, width: number, height: number): Promise<Uint8Array>;
}

/** A slide's grade by both rules. */
export interface SlideGrade {
  /** Which rule `isup` comes from. */
  readonly rule: "patches" | "map";
  readonly isup: number;
  /** Of ISUP 0 .. 5 by softmax(W r + b); undefined where the model has no trained rule. */
  readonly probabilities?: readonly number[];
  /** Shares of patch grades, [6]. */
  readonly proportions: readonly number[];
  /** By the table, from the pixels of the stitched map. */
  readonly map: Gleason;
  /** Grades that cannot be excluded, at the calibrated miss rate; undefined without a calibration. */
  readonly set?: readonly number[];
  /** The set is no single answer: a person should look. */
  readonly unsure?: boolean;
}

/** What is said of a slide. */
export interface SlideResult {
  /** The file's name, without the way to it. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly micronsPerPixel: number | undefined;
  readonly magnification: number | undefined;
  readonly classes: readonly TissueClass[];
  readonly patches: readonly PatchResult[];
  /** How many patches a uniform grid at the finest stride would take. */
  readonly finest: number;
  /** Pixels of the stitched map by class. */
  readonly areas: readonly number[];
  /** Undefined where the classes tell no patterns apart. */
  readonly grade: SlideGrade | undefined;
  /** What is wrong with the slide, as sentences: pen marks, blur, folds, hardly any tissue. */
  readonly warnings: readonly string[];
  /** Which model, slide and settings it comes from. */
  readonly origin: Origin;
  /** Seconds that the patches took in the network and its refinement. */
  readonly seconds: number;
}
