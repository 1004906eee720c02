import { z } from "zod";
import type { Pattern } from "./grade.ts";

/** A class that the network tells apart. */
export interface TissueClass {
  readonly name: string;
  /** The Gleason pattern that it is, 0 for what is not cancer. */
  readonly pattern: Pattern | 0;
  /** The values of a mask's pixels that stand for it. */
  readonly maskValues: readonly number[];
  /** How maps and overlays show it, [red, green, blue] in 0 .. 255; undefined: not at all. */
  readonly colour?: readonly [number, number, number];
}

const STROMA = [240, 190, 200] as const;
const BENIGN = [70, 160, 90] as const;
const COLOURS = { 3: [250, 210, 60], 4: [240, 130, 40], 5: [200, 40, 50] } as const;
const gleason = (pattern: Pattern, maskValues: readonly number[]): TissueClass => ({
  name: `Gleason ${pattern}`,
  pattern,
  maskValues,
  colour: COLOURS[pattern],
});

/**
 * What the values of masks stand for, by who made them. `radboud` and `karolinska` are the two centres of the PANDA data (Bulten et al. 2022);
 * `document` has the four differentiation classes of the source, on masks of Radboud's numbering.
 */
export const classTables = {
  radboud: [
    { name: "background", pattern: 0, maskValues: [0] },
    { name: "stroma", pattern: 0, maskValues: [1], colour: STROMA },
    { name: "benign gland", pattern: 0, maskValues: [2], colour: BENIGN },
    gleason(3, [3]),
    gleason(4, [4]),
    gleason(5, [5]),
  ],
  document: [{ name: "normal", pattern: 0, maskValues: [0, 1, 2] }, gleason(3, [3]), gleason(4, [4]), gleason(5, [5])],
  karolinska: [
    { name: "background", pattern: 0, maskValues: [0] },
    { name: "benign tissue", pattern: 0, maskValues: [1], colour: BENIGN },
    { name: "cancer", pattern: 0, maskValues: [2], colour: COLOURS[4] },
  ],
} as const satisfies Record<string, readonly TissueClass[]>;

const colour = z.int().min(0).max(255);

/** The classes as a setting: the name of a table, or a table of one's own. */
export const classesSetting = z
  .union([
    z.enum(["radboud", "document", "karolinska"]),
    z
      .array(
        z.strictObject({
          name: z.string().min(1),
          pattern: z.union([z.literal(0), z.literal(3), z.literal(4), z.literal(5)]).default(0),
          maskValues: z.array(z.int().min(0).max(255)).min(1),
          colour: z.tuple([colour, colour, colour]).optional(),
        }),
      )
      .min(2)
      .max(20),
  ])
  .default("radboud")
  .describe(
    'What the values of masks stand for: radboud (0 background, 1 stroma, 2 benign gland, 3 to 5 Gleason), document (the same in four classes), karolinska (0 background, 1 benign, 2 cancer), or a list such as [{"name": "Gleason 3", "pattern": 3, "maskValues": [3]}, ...]. A class called "background" is not tissue.',
  );

/** The classes that a setting means; patterns of cancer have their usual colours where a list gives none. */
export const classesOf = (setting: z.output<typeof classesSetting>): readonly TissueClass[] =>
  typeof setting === "string"
    ? classTables[setting]
    : setting.map((own) => ({ ...own, colour: own.colour ?? (own.pattern === 0 ? undefined : COLOURS[own.pattern]) }));

/** Marks pixels whose value no class has: they count for nothing. */
export const NO_CLASS = 255;

/** The class number of every value of a mask, [256]; `NO_CLASS` for values that no class has. */
export const classOfValue = (classes: readonly TissueClass[]): Uint8Array => {
  const table = new Uint8Array(256).fill(NO_CLASS);
  for (const [index, { maskValues }] of classes.entries()) for (const value of maskValues) table[value] = index;
  return table;
};

/** Whether patterns of cancer are told apart, so that there is a grade. */
export const canGrade = (classes: readonly TissueClass[]): boolean => classes.some(({ pattern }) => pattern > 0);

/** The class of what was taken for glass and not looked at: the background, or else the first that is not cancer. */
export const classOfGlass = (classes: readonly TissueClass[]): number => {
  const background = classes.findIndex((ofClass) => !isTissue(ofClass));
  return background >= 0
    ? background
    : Math.max(
        0,
        classes.findIndex(({ pattern }) => pattern === 0),
      );
};

/** Whether pixels of a class are tissue: of every class but one called "background". */
export const isTissue = ({ name }: TissueClass): boolean => name.toLowerCase() !== "background";
