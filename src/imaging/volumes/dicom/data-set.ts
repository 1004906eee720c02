import { inflateRawSync } from "node:zlib";
import dicomParser, { type DataSet } from "dicom-parser";
import { ImageProblem } from "../../readable.ts";
import { type Keyword, tagOf } from "./dictionary.ts";

export type { DataSet };

/** The most bytes of a file, and of what a deflated one unpacks to. */
export const MAX_FILE_BYTES = 2 ** 30;

/** Whether bytes begin as a DICOM file does (PS3.10, 7.1): 128 of any kind, then "DICM". */
export const isDicom = (start: Buffer): boolean => start.toString("latin1", 128, 132) === "DICM";

/**
 * Parses a file, or the beginning of one, up to its pixels, which it points to. What follows them is not read.
 * @throws ImageProblem when it is damaged or ends before.
 */
export const parseDicom = (bytes: Buffer): DataSet => {
  try {
    return dicomParser.parseDicom(bytes, { inflater: inflate });
  } catch (error) {
    throw damaged(error);
  }
};

/** As `parseDicom`, but not a byte of the pixels need be there. Undefined when the bytes end before them. */
export const parseDicomHeader = (bytes: Buffer): DataSet | undefined => {
  try {
    const dataSet = dicomParser.parseDicom(bytes, { inflater: inflate, untilTag: tagOf("PixelData") });
    return tagOf("PixelData") in dataSet.elements ? dataSet : undefined;
  } catch {
    return undefined;
  }
};

/** The parser's own words are kept out: they could quote the file. */
const damaged = (cause: unknown): ImageProblem =>
  Object.assign(new ImageProblem("it is a damaged DICOM file, or one cut short. Copy it again."), { cause });

const inflate = (bytes: Uint8Array, position: number): Uint8Array =>
  Buffer.concat([bytes.subarray(0, position), inflateRawSync(bytes.subarray(position), { maxOutputLength: MAX_FILE_BYTES })]);

/** The parts of a text value, without the spaces around; none where the attribute is missing or empty. */
export const textsOf = (dataSet: DataSet | undefined, keyword: Keyword): readonly string[] => {
  const text = dataSet?.string(tagOf(keyword));
  return text === undefined || text === "" ? [] : text.split("\\").map((part) => part.replaceAll("\0", "").trim());
};

export const textOf = (dataSet: DataSet | undefined, keyword: Keyword): string | undefined =>
  textsOf(dataSet, keyword)[0] || undefined;

/** Of texts that are numbers (DS, IS); none when one of them is not. */
export const decimalsOf = (dataSet: DataSet | undefined, keyword: Keyword): readonly number[] => {
  const numbers = textsOf(dataSet, keyword).map((text) => (text === "" ? Number.NaN : Number(text)));
  return numbers.every(Number.isFinite) ? numbers : [];
};

export const decimalOf = (dataSet: DataSet | undefined, keyword: Keyword): number | undefined => decimalsOf(dataSet, keyword)[0];

/** Of a binary 16-bit number (US). */
export const wordOf = (dataSet: DataSet | undefined, keyword: Keyword): number | undefined => dataSet?.uint16(tagOf(keyword));

/** Of a binary 32-bit number (UL). */
export const longOf = (dataSet: DataSet | undefined, keyword: Keyword): number | undefined => dataSet?.uint32(tagOf(keyword));

/** Of a binary 64-bit floating-point number (FD). */
export const doubleOf = (dataSet: DataSet | undefined, keyword: Keyword): number | undefined => {
  const value = dataSet?.double(tagOf(keyword));
  return Number.isFinite(value) ? value : undefined;
};

/** The items of a sequence. */
export const itemsOf = (dataSet: DataSet | undefined, keyword: Keyword): readonly DataSet[] =>
  (dataSet?.elements[tagOf(keyword)]?.items ?? []).flatMap(({ dataSet: item }) => item ?? []);

export const itemOf = (dataSet: DataSet | undefined, keyword: Keyword): DataSet | undefined => itemsOf(dataSet, keyword)[0];

/** Whether the attribute is there with a value. */
export const has = (dataSet: DataSet, keyword: Keyword): boolean => (dataSet.elements[tagOf(keyword)]?.length ?? 0) > 0;

/** A text in its character set (PS3.3, C.12.1.1.2), for those that are not ASCII. */
export const decodedTextOf = (dataSet: DataSet, keyword: Keyword): string | undefined => {
  const element = dataSet.elements[tagOf(keyword)];
  if (element === undefined || element.length === 0) return undefined;
  const bytes = dataSet.byteArray.subarray(element.dataOffset, element.dataOffset + element.length);
  const sets = textsOf(dataSet, "SpecificCharacterSet");
  const label = ENCODINGS[sets.at(-1) ?? ""] ?? "latin1";
  return new TextDecoder(label).decode(bytes).replaceAll("\0", "").trim() || undefined;
};

const ENCODINGS: Readonly<Record<string, string>> = {
  "ISO_IR 101": "iso-8859-2",
  "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4",
  "ISO_IR 126": "iso-8859-7",
  "ISO_IR 127": "iso-8859-6",
  "ISO_IR 138": "iso-8859-8",
  "ISO_IR 144": "iso-8859-5",
  "ISO_IR 148": "iso-8859-9",
  "ISO_IR 13": "shift_jis",
  "ISO_IR 166": "windows-874",
  "ISO_IR 192": "utf-8",
  "ISO 2022 IR 87": "iso-2022-jp",
  "ISO 2022 IR 149": "euc-kr",
  GB18030: "gb18030",
  GBK: "gbk",
};
