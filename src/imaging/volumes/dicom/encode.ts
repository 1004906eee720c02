import { dictionary, type Keyword, TRANSFER_SYNTAX } from "./dictionary.ts";

export type DicomValue = string | number | readonly (string | number)[] | Uint8Array | readonly DicomDataSet[];

/** A data set by keyword; the value representation is the dictionary's. Of a sequence the items; an empty text is an empty element. */
export type DicomDataSet = { readonly [K in Keyword]?: DicomValue };

/** Of this program, made from a random UUID (PS3.5, annex B.2). */
const IMPLEMENTATION = "2.25.208436981402918473650195537624410862913";

/**
 * A DICOM file (PS3.10) with explicit value representations, little-endian, texts in UTF-8. The data set needs SOPClassUID and
 * SOPInstanceUID. @throws RangeError when a value is too long for its representation.
 */
export const encodeDicom = (dataSet: DicomDataSet): Buffer => {
  const meta = encodeDataSet({
    FileMetaInformationVersion: Uint8Array.of(0, 1),
    MediaStorageSOPClassUID: dataSet.SOPClassUID,
    MediaStorageSOPInstanceUID: dataSet.SOPInstanceUID,
    TransferSyntaxUID: TRANSFER_SYNTAX.explicit,
    ImplementationClassUID: IMPLEMENTATION,
    ImplementationVersionName: "LYNCEUS",
  });
  const groupLength = element(0x00020000, "UL", numbers("UL", [meta.length]));
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from("DICM"),
    groupLength,
    meta,
    encodeDataSet({ SpecificCharacterSet: "ISO_IR 192", ...dataSet }),
  ]);
};

const encodeDataSet = (dataSet: DicomDataSet): Buffer => {
  const elements = (Object.entries(dataSet) as [Keyword, DicomValue | undefined][])
    .filter((entry): entry is [Keyword, DicomValue] => entry[1] !== undefined)
    .sort(([a], [b]) => dictionary[a][0] - dictionary[b][0]);
  return Buffer.concat(
    elements.map(([keyword, value]) => {
      const [tag, vr] = dictionary[keyword];
      return element(tag, vr, encodeValue(keyword, vr, value));
    }),
  );
};

/** Those whose length has 32 bits (PS3.5, 7.1.2). */
const LONG = new Set(["OB", "OW", "OF", "OD", "SQ", "UT", "UN"]);

const element = (tag: number, vr: string, value: Buffer): Buffer => {
  const head = Buffer.alloc(LONG.has(vr) ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, "latin1");
  if (LONG.has(vr)) head.writeUInt32LE(value.length, 8);
  else head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
};

const encodeValue = (keyword: Keyword, vr: string, value: DicomValue): Buffer => {
  if (value instanceof Uint8Array) return padded(Buffer.from(value.buffer, value.byteOffset, value.length), 0);
  const values = Array.isArray(value) ? (value as readonly (string | number | DicomDataSet)[]) : [value as string | number];
  if (vr === "SQ") return Buffer.concat((values as readonly DicomDataSet[]).map(encodeItem));
  if (vr in WRITERS) return numbers(vr, values as readonly number[]);
  const texts = (values as readonly (string | number)[]).map((one) =>
    vr === "DS" && typeof one === "number" ? decimal(one) : `${one}`,
  );
  const most = LONGEST[vr];
  const tooLong = texts.find((text) => [...text].length > most);
  if (tooLong !== undefined) throw new RangeError(`${keyword} has at most ${most} characters, not ${[...tooLong].length}.`);
  return padded(Buffer.from(texts.join("\\")), vr === "UI" ? 0 : 0x20);
};

/** The most characters of one value (PS3.5, table 6.2-1). */
const LONGEST: Readonly<Record<string, number>> = {
  ...{ CS: 16, DA: 8, DS: 16, DT: 26, IS: 12, LO: 64, PN: 194, SH: 16, ST: 1024, TM: 14, UI: 64 },
};

const encodeItem = (item: DicomDataSet): Buffer => {
  const content = encodeDataSet(item);
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
};

/** Values have an even length. */
const padded = (bytes: Buffer, filler: number): Buffer =>
  bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from([filler])]);

const WRITERS: Readonly<
  Record<string, { readonly size: number; readonly write: (to: Buffer, value: number, at: number) => void }>
> = {
  US: { size: 2, write: (to, value, at) => to.writeUInt16LE(value, at) },
  UL: { size: 4, write: (to, value, at) => to.writeUInt32LE(value, at) },
  FD: { size: 8, write: (to, value, at) => to.writeDoubleLE(value, at) },
  AT: {
    size: 4,
    write: (to, value, at) => {
      to.writeUInt16LE(value >>> 16, at);
      to.writeUInt16LE(value & 0xffff, at + 2);
    },
  },
};

const numbers = (vr: string, values: readonly number[]): Buffer => {
  const { size, write } = WRITERS[vr];
  const bytes = Buffer.alloc(size * values.length);
  for (const [i, value] of values.entries()) write(bytes, value, size * i);
  return bytes;
};

/** A number in at most 16 characters, as exactly as they allow. @throws RangeError when it is not finite. */
export const decimal = (value: number): string => {
  if (!Number.isFinite(value)) throw new RangeError(`${value} cannot be written as a decimal string.`);
  const shortest = `${value + 0}`;
  if (shortest.length <= 16) return shortest;
  for (let digits = 15; digits > 1; digits--) {
    const text = `${Number(value.toPrecision(digits))}`;
    if (text.length <= 16) return text;
  }
  return "0";
};
