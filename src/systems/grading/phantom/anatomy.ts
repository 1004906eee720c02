import { random } from "../../../random/index.ts";
import type { BenignArchitecture } from "./patterns.ts";

/**
 * What differs from patient to patient and slide to slide whatever the grade is. These are the confounders: each changes how much
 * haematoxylin, eosin or white a slide shows, none depends on its grade.
 */
export interface Anatomy {
  /** Factor on the size of every gland, 0.88 .. 1.15. */
  readonly glandScale: number;
  /** Factor on the size of every nucleus, 0.88 .. 1.14. */
  readonly nuclearScale: number;
  /** Factor on the haematoxylin of nuclei, 0.75 .. 1.2. */
  readonly chromatin: number;
  /** How pale the middle of benign nuclei is, 0.1 .. 0.55; cancer's are at 0.55. */
  readonly benignPallor: number;
  /** Haematoxylin and eosin of epithelial cytoplasm. */
  readonly cytoplasm: { readonly haematoxylin: number; readonly eosin: number };
  /** Eosin of stroma, 0.45 .. 0.85. */
  readonly stromaEosin: number;
  /** Factor on the number of stromal nuclei. */
  readonly cellularity: number;
  /** How much of the stroma is torn open and white, 0 .. 1. */
  readonly clefts: number;
  /** The share of places with an infiltrate of lymphocytes. */
  readonly inflammation: number;
  /** The share of glands whose lumen holds secretion. */
  readonly secretion: number;
  /** Factor on the size of lumina, 0.5 .. 1.35, benign or not. */
  readonly lumen: number;
  /** Weights of the benign architectures in the lobules without cancer. */
  readonly benign: Readonly<Record<BenignArchitecture, number>>;
}

/** The anatomy of a slide: the patient's part is a function of `patient` alone, the rest of `seed`. */
export const anatomy = (seed: number, patient: number): Anatomy => {
  const person = random("phantom patient", patient);
  const slide = random("phantom anatomy", seed);
  const weight = (mean: number): number => mean * slide.uniform(0.05, 1) ** 1.5;
  return {
    glandScale: person.uniform(0.88, 1.15),
    nuclearScale: person.uniform(0.88, 1.14),
    chromatin: person.uniform(0.75, 1.2),
    benignPallor: person.uniform(0.1, 0.55),
    cytoplasm: { haematoxylin: person.uniform(0.1, 0.34), eosin: person.uniform(0.24, 0.46) },
    stromaEosin: person.uniform(0.45, 0.85),
    cellularity: 0.4 * 6.5 ** slide.uniform(0, 1),
    clefts: slide.uniform(0, 1) ** 1.5,
    inflammation: slide.uniform() < 0.25 ? 0 : slide.uniform(0.03, 0.55),
    secretion: person.uniform(0, 0.95),
    lumen: person.uniform(0.5, 1.35),
    benign: { normal: weight(1.2), atrophy: weight(1), hyperplasia: weight(1), stroma: weight(0.4) },
  };
};
