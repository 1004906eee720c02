import { mkdir, writeFile } from "node:fs/promises";
import type { DicomDataSet } from "../dicom/encode.ts";
import { encodeDicom } from "../dicom/encode.ts";
import { pathOf } from "./phantom.ts";

/** An axial MR slice of 4 x 3 pixels, 0.5 mm wide, with what a test changes. */
export const slice = (z: number, change: DicomDataSet = {}): DicomDataSet => ({
  ...{ SOPClassUID: "1.2.840.10008.5.1.4.1.1.4", SOPInstanceUID: `1.2.3.9.${Math.round(1000 + 100 * z)}` },
  ...{ StudyInstanceUID: "1.2.3.1", SeriesInstanceUID: "1.2.3.2", FrameOfReferenceUID: "1.2.3.3", Modality: "MR" },
  ...{ PatientName: "PLANTED^NAME", PatientID: "PLANTED-ID", PatientBirthDate: "19610203", StudyDate: "20190517" },
  ...{
    Rows: 3,
    Columns: 4,
    PixelSpacing: [0.5, 0.5],
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    ImagePositionPatient: [0, 0, z],
  },
  ...{ SamplesPerPixel: 1, PhotometricInterpretation: "MONOCHROME2", SliceThickness: 2 },
  ...{ BitsAllocated: 16, BitsStored: 16, HighBit: 15, PixelRepresentation: 0 },
  PixelData: new Uint8Array(new Uint16Array(12).fill(100 + z).buffer),
  ...change,
});

/** Writes data sets, or bytes as they are, as the files "0.dcm", "1.dcm" ... of a folder; gives its path. */
export const folderOf = async (name: string, files: readonly (DicomDataSet | Buffer)[]): Promise<string> => {
  await mkdir(pathOf(name), { recursive: true });
  for (const [n, file] of files.entries()) {
    await writeFile(pathOf(name, `${n}.dcm`), Buffer.isBuffer(file) ? file : encodeDicom(file));
  }
  return pathOf(name);
};
