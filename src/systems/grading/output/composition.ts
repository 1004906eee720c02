import { canGrade, isTissue, type TissueClass } from "../classes.ts";
import type { Gleason, Pattern } from "../grade.ts";
import type { SlideResult } from "../result.ts";

/** Stands on everything that is said of a slide. */
export const RESEARCH_USE = "For research use only: this is no medical device, and nothing in it is a diagnosis.";

/** What one class has of a slide. */
export interface ClassShare {
  readonly name: string;
  readonly pattern: Pattern | 0;
  readonly colour?: TissueClass["colour"];
  /** Of the stitched map. */
  readonly pixels: number;
  /** Undefined where the size of a pixel is unknown. */
  readonly squareMillimetres: number | undefined;
  /** Of the tissue; undefined for what is not tissue, and without any tissue. */
  readonly ofTissue: number | undefined;
}

/** What a slide consists of. */
export interface Composition {
  readonly classes: readonly ClassShare[];
  /** Of what the patches saw, all classes but the background. */
  readonly tissuePixels: number;
  readonly tissueSquareMillimetres: number | undefined;
  /** The share of tissue that has a Gleason pattern; undefined where the classes tell none apart, and without any tissue. */
  readonly tumourShare: number | undefined;
  /** The share of the tumour that each pattern has; undefined without tumour. */
  readonly ofTumour: Readonly<Record<Pattern, number>> | undefined;
}

/**
 * Areas and shares of the classes of a slide's stitched map, whose pixels are `downsample` of level 0 wide.
 */
export const compositionOf = ({ classes, areas, micronsPerPixel }: SlideResult, downsample: number): Composition => {
  const squareMillimetres = (pixels: number): number | undefined =>
    micronsPerPixel === undefined ? undefined : pixels * ((micronsPerPixel * downsample) / 1000) ** 2;
  const pixelsOf = (counts: (ofClass: TissueClass) => boolean): number =>
    classes.reduce((sum, ofClass, index) => sum + (counts(ofClass) ? areas[index] : 0), 0);
  const tissue = pixelsOf(isTissue);
  const tumour = pixelsOf(({ pattern }) => pattern > 0);
  const ofTumour = (wanted: Pattern): number => pixelsOf(({ pattern }) => pattern === wanted) / tumour;
  return {
    classes: classes.map((ofClass, index) => ({
      name: ofClass.name,
      pattern: ofClass.pattern,
      colour: ofClass.colour,
      pixels: areas[index],
      squareMillimetres: squareMillimetres(areas[index]),
      ofTissue: tissue > 0 && isTissue(ofClass) ? areas[index] / tissue : undefined,
    })),
    tissuePixels: tissue,
    tissueSquareMillimetres: squareMillimetres(tissue),
    tumourShare: canGrade(classes) && tissue > 0 ? tumour / tissue : undefined,
    ofTumour: tumour > 0 ? { 3: ofTumour(3), 4: ofTumour(4), 5: ofTumour(5) } : undefined,
  };
};

/** The Gleason score as it is written, "3+4=7"; undefined without cancer. */
export const gleasonScore = ({ primary, secondary }: Gleason): string | undefined =>
  primary === 0 ? undefined : `${primary}+${secondary}=${primary + secondary}`;
