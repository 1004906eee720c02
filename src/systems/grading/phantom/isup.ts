import { gradeOf } from "../grade.ts";
import type { GleasonPattern } from "./patterns.ts";

/** A pattern counts as secondary from this share of the cancer on; below, the slide is graded by its primary pattern alone. */
export const minimumShare = 0.05;

/** The ISUP grade of a slide by the areas of its Gleason patterns, in any unit: the table of `gradeOf`. */
export const isupGrade = (areas: Readonly<Record<GleasonPattern, number>>): number =>
  gradeOf([areas[3], areas[4], areas[5]], { minimumPattern: minimumShare }).isup;
