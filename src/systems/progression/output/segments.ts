import { type DicomCode, type DicomSegment, dicomCode, SEGMENT_CATEGORY } from "../../../imaging/index.ts";
import { vesselClasses } from "../measurement/index.ts";
import { classColours } from "./class-colours.ts";

/** For what no public scheme has a code. */
const PRIVATE = "99LYNCEUS";

const CAROTID = dicomCode("SCT", "69105007", "Carotid Artery");

const altered = (type: DicomCode) => ({ category: SEGMENT_CATEGORY.alteredStructure, type });

/**
 * What each class of a vessel is, by name. Lumen and plaque components are those of intravascular ultrasound (PS3.16, CID 3497 and 3495), the
 * haemorrhage of segmentation properties (CID 7159). Wall and fibrous cap have none there.
 */
const VESSEL_CODES: Readonly<Record<string, Pick<DicomSegment, "category" | "type">>> = {
  lumen: { category: SEGMENT_CATEGORY.anatomicalStructure, type: dicomCode("SCT", "67170007", "Lumen of artery") },
  wall: { category: SEGMENT_CATEGORY.anatomicalStructure, type: dicomCode(PRIVATE, "WALL", "Wall of artery") },
  calcification: altered(dicomCode("SCT", "237897009", "Vascular Calcification")),
  "lipid core": altered(dicomCode("DCM", "122395", "Necrotic-Lipidic Plaque")),
  haemorrhage: altered(dicomCode("SCT", "50960005", "Hemorrhage")),
  "fibrous cap": altered(dicomCode(PRIVATE, "FIBROUS CAP", "Fibrous cap of plaque")),
};

/** A segment for each class but the background: a vessel's in public codes where there are such, others as tissue in a private one. */
export const dicomSegments = (classes: readonly string[]): readonly DicomSegment[] => {
  const colours = classColours(classes);
  return classes.slice(1).map((name, n) => {
    const label = n + 1;
    const isVessel = vesselClasses.some((own) => own.name === name);
    return {
      ...{ label, name: written(name), colour: colours[label] },
      ...(isVessel
        ? { ...VESSEL_CODES[name], anatomy: CAROTID }
        : { category: SEGMENT_CATEGORY.tissue, type: dicomCode(PRIVATE, `CLASS ${label}`, written(name)) }),
    };
  });
};

/** As a text element can hold it (PS3.5, 6.2): no control characters, no backslash, at most 64. */
const written = (name: string): string => {
  const text = [...name.replace(/[\p{Cc}\\]/gu, " ").trim()].slice(0, 64).join("");
  return text === "" ? "Class" : text;
};
