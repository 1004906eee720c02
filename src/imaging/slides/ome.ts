import { positive } from "./magnification.ts";
import { roleAmong, wordsOf } from "./picture-names.ts";

/** What the OME-XML of an OME-TIFF file says of one image. */
export interface OmeImage {
  /** "label", "macro", "thumbnail" or "overview"; undefined of a slide. */
  readonly role: string | undefined;
  /** The page that it begins with. */
  readonly directory: number;
  /** Channels, planes in depth and times together: 3 of RGB. */
  readonly channels: number;
  readonly micronsPerPixel: number | undefined;
  readonly magnification: number | undefined;
}

const MICRONS = new Map([
  ["µm", 1], // the micro sign; next the Greek letter
  ["μm", 1],
  ["um", 1],
  ["nm", 1e-3],
  ["mm", 1e3],
  ["cm", 1e4],
  ["m", 1e6],
]);

/** The images of the OME-XML in a page's description, at least one (Goldberg et al. 2005; schema 2016-06); undefined where it is none. */
export const readOme = (description: string): readonly OmeImage[] | undefined => {
  if (!/<OME[\s>]/.test(description)) return undefined;
  const objectives = new Map(
    elements(description, "Objective").map(({ attributes }) => [attributes.get("ID"), attributes.get("NominalMagnification")]),
  );
  const images = elements(description, "Image").map(({ attributes, content }, index): OmeImage => {
    const pixels = elements(content, "Pixels")[0]?.attributes ?? new Map<string, string>();
    const number = (name: string): number => Number(pixels.get(name) ?? 1);
    const objective = elements(content, "ObjectiveSettings")[0]?.attributes.get("ID") ?? [...objectives.keys()][0];
    const microns = MICRONS.get(pixels.get("PhysicalSizeXUnit") ?? "µm") ?? Number.NaN;
    return {
      role: roleAmong(wordsOf(attributes.get("Name") ?? "")),
      directory: Number(elements(content, "TiffData")[0]?.attributes.get("IFD") ?? index),
      channels: number("SizeC") * number("SizeZ") * number("SizeT"),
      micronsPerPixel: positive(Number(pixels.get("PhysicalSizeX")) * microns),
      magnification: positive(Number(objectives.get(objective))),
    };
  });
  return images.length > 0 ? images : undefined;
};

interface Element {
  readonly attributes: ReadonlyMap<string, string>;
  readonly content: string;
}

/** More elements than a slide's description has: what is beyond them is not looked at. */
const MAX_ELEMENTS = 100;

/** The elements of a name, with or without a namespace's prefix; those that are read here never hold another of their name. */
const elements = (xml: string, name: string): Element[] => {
  const found: Element[] = [];
  const closing = new RegExp(`</(?:\\w+:)?${name}\\s*>`, "g");
  for (const match of xml.matchAll(new RegExp(`<(?:\\w+:)?${name}((?:\\s[^<>]*)?)>`, "g"))) {
    const start = match.index + match[0].length;
    closing.lastIndex = start;
    const end = match[0].endsWith("/>") ? start : closing.exec(xml)?.index;
    if (end === undefined || found.length === MAX_ELEMENTS) break;
    const attributes = [...match[1].matchAll(/([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)];
    found.push({
      attributes: new Map(attributes.map(([, key, double, single]) => [key, double ?? single])),
      content: xml.slice(start, end),
    });
  }
  return found;
};
