import type { DicomDataSet } from "./encode.ts";

/** A coded term (PS3.3, 8.8): a code, whose it is, and what it means. */
export interface DicomCode {
  /** At most 16 characters. */
  readonly value: string;
  /** "SCT" for SNOMED CT, "DCM" for DICOM's own; private ones begin with "99". */
  readonly scheme: string;
  readonly meaning: string;
}

export const dicomCode = (scheme: string, value: string, meaning: string): DicomCode => ({ scheme, value, meaning });

/** Categories of segments (PS3.16, CID 7150). */
export const SEGMENT_CATEGORY = {
  anatomicalStructure: dicomCode("SCT", "123037004", "Anatomical Structure"),
  tissue: dicomCode("SCT", "85756007", "Tissue"),
  alteredStructure: dicomCode("SCT", "49755003", "Morphologically Altered Structure"),
} as const;

/** As the item of a code sequence. */
export const codeItem = ({ value, scheme, meaning }: DicomCode): DicomDataSet => ({
  CodeValue: value,
  CodingSchemeDesignator: scheme,
  CodeMeaning: meaning,
});
