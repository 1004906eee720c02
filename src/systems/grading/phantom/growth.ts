import type { Random } from "../../../random/index.ts";
import type { Anatomy } from "./anatomy.ts";
import type { NucleusLayer } from "./nuclei.ts";
import type { Disc, Shape } from "./shapes.ts";

/** What fills a lumen. */
export type Content = "empty" | "secretion" | "mucin" | "necrosis" | "blood";

/** The colours and textures of a gland; concentrations of haematoxylin and eosin. */
export interface GlandLook {
  readonly haematoxylin: number;
  readonly eosin: number;
  /** How foamy the cytoplasm is, 0 even .. 1. */
  readonly foam: number;
  /** How well the walls between its cells are seen, 0 .. 1. */
  readonly walls: number;
  /** How pale the cytoplasm is towards the lumen, 0 .. 1. */
  readonly apicalPallor: number;
  readonly content: Content;
  /** Corpora amylacea in the lumen, relative to the centre. */
  readonly corpora?: readonly Disc[];
  /** Width, in um, of the white cleft on one side where the stroma has shrunk away; 0 for none. */
  readonly retraction: number;
}

/** One gland as it grows at a site; points are relative to the site. */
export interface Growth {
  /** No point farther than this from the site is inside, in um. */
  readonly reach: number;
  readonly outer: Shape;
  /** Positive in the lumina; none for a solid nest. It may use how deep inside the gland, neighbours considered, the point is. */
  readonly lumen?: (x: number, y: number, depth: number) => number;
  readonly layers: readonly NucleusLayer[];
  readonly look: GlandLook;
}

/** What a gland has to know of its site. */
export interface Site {
  readonly anatomy: Anatomy;
  /** Factor on the lengths of a gland. */
  readonly scale: number;
  /** A number of its own, for noise. */
  readonly key: number;
  /** The direction of the stroma's fibres, in radians. */
  readonly direction: number;
}

/** How glands of one architecture grow on a jittered lattice. Lengths in um. */
export interface Recipe {
  /** Between sites, before the slide's factor. */
  readonly pitch: number;
  /** How far a site is moved, as a share of the pitch. */
  readonly jitter: number;
  /** The share of sites where a gland grows. */
  readonly presence: number;
  /** The stroma left between neighbours, which press each other flat; undefined where they may grow into each other. */
  readonly gap?: number;
  /** Between the nodes at which the shape is sampled. */
  readonly step: number;
  /** How far inside its territory a site must be. */
  readonly margin: number;
  /** The farthest a gland reaches, before the slide's factor. */
  readonly reach: number;
  readonly grow: (source: Random, site: Site) => Growth;
}
