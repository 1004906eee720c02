/** Terms of sequences, each with the ways in which descriptions write it. */
const TERMS: Readonly<Record<string, readonly string[]>> = {
  T1: ["T1", "T1W", "T1WI"],
  T2: ["T2", "T2W", "T2WI"],
  "T2*": ["T2*", "T2S", "T2STAR"],
  PD: ["PD", "PDW", "PDWI"],
  TOF: ["TOF"],
  FLAIR: ["FLAIR"],
  DWI: ["DWI", "DIFF", "DIFFUSION"],
  ADC: ["ADC"],
  SWI: ["SWI"],
  MRA: ["MRA"],
  MPRAGE: ["MPRAGE"],
  SNAP: ["SNAP"],
  SPACE: ["SPACE"],
  VISTA: ["VISTA"],
  CUBE: ["CUBE"],
  TSE: ["TSE", "FSE", "QIR"],
  "black blood": ["BB", "BLACKBLOOD", "DIR", "IFIR", "MSDE", "IMSDE", "DANTE"],
  "fat saturation": ["FS", "FATSAT", "SPAIR", "SPIR", "STIR"],
  contrast: ["GD", "GAD", "CE", "CONTRAST", "POST", "C+", "+C"],
  localiser: ["LOC", "LOCALIZER", "LOCALISER", "SCOUT", "SURVEY"],
  "2D": ["2D"],
  "3D": ["3D"],
};

const TERM_OF = new Map(Object.entries(TERMS).flatMap(([term, ways]) => ways.map((way) => [way, term])));

/**
 * The terms of MR sequences in free texts such as SeriesDescription, each once and in order. Only terms of a fixed list come out, never
 * what else people write there, which can be a name.
 */
export const sequenceTerms = (texts: readonly (string | undefined)[]): readonly string[] => {
  const words = texts.flatMap((text) => (text ?? "").toUpperCase().split(/[^A-Z0-9*+]+/));
  return [...new Set(words.flatMap((word) => TERM_OF.get(word) ?? []))];
};

/** The value if it is one of the known ones. */
export const knownTerm = (value: string | undefined, known: readonly string[]): string | undefined =>
  known.find((term) => term === value);

/** Defined terms of PS3.3: Modality (C.7.3.1.1.1), of those with image slices. */
export const MODALITIES = ["MR", "CT", "PT", "NM", "US", "XA", "OT"];
