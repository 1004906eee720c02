import { expect, test } from "vitest";
import { createVolume, type ImageOf } from "../../../imaging/index.ts";
import { vesselClasses } from "../measurement/index.ts";
import { classColours } from "./class-colours.ts";
import { evenly, overlayPicture } from "./overlay.ts";
import { slicePictures } from "./slice-pictures.ts";
import { lesionStage, tubeStage } from "./testing/patients.ts";

const classes = vesselClasses.map(({ name }) => name);
const [, RED, PURPLE] = classColours(classes);
const GAP = 6;

const at = ({ width, data }: ImageOf<Uint8Array>, x: number, y: number): number[] => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

/** How many pixels have a colour. */
const count = ({ data }: ImageOf<Uint8Array>, colour: readonly number[] | undefined): number => {
  let pixels = 0;
  for (let n = 0; n < data.length; n += 3) if (colour?.every((part, channel) => data[n + channel] === part)) pixels++;
  return pixels;
};

const part = (picture: ImageOf<Uint8Array>, left: number, top: number, width: number, height: number): ImageOf<Uint8Array> => {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * picture.width + left);
    data.set(picture.data.subarray(from, from + 3 * width), 3 * y * width);
  }
  return { width, height, data };
};

const isSame = (a: ImageOf<Uint8Array>, b: ImageOf<Uint8Array>): boolean => Buffer.compare(a.data, b.data) === 0;

test("outlines run within each class along its rim, and the image below stays", () => {
  const { reference, labels } = tubeStage(6, "tube");
  const pictures = slicePictures(reference, labels, classes);
  const [plain, outlined] = [pictures.plain(0), pictures.outlined(0)];
  const pixels = pictures.width / pictures.extent.width; // a mm
  expect(pixels).toBeGreaterThan(8);
  // Two pixels along circles of 3.5 and 6.5 mm: at most what a staircase adds to their lengths, 4 / pi.
  for (const [colour, radius] of [
    [RED, 3.5],
    [PURPLE, 6.5],
  ] as const) {
    const circle = 2 * 2 * Math.PI * radius * pixels;
    expect(count(outlined, colour)).toBeGreaterThan(0.8 * circle);
    expect(count(outlined, colour)).toBeLessThan(1.3 * circle);
  }
  let kept = 0;
  for (let n = 0; n < plain.data.length; n++) if (plain.data[n] === outlined.data[n]) kept++;
  expect(kept / plain.data.length).toBeGreaterThan(0.9);
});

test("a voxel is at least four pixels of a small part, and a large part is no wider than 480", () => {
  const { reference, labels } = tubeStage(6, "tube");
  const fine = { ...labels, affine: [0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 2, 0] as const };
  const small = slicePictures({ ...reference, affine: fine.affine }, fine, classes);
  expect(small.width / small.extent.width).toBeGreaterThanOrEqual(8);
  const wide = { ...labels, affine: [8, 0, 0, 0, 0, 8, 0, 0, 0, 0, 2, 0] as const };
  const large = slicePictures({ ...reference, affine: wide.affine }, wide, classes);
  // 29 voxels are labelled, and to either side 15 % of that are shown.
  expect(large.width).toBe(480);
  expect(large.extent.width).toBeCloseTo(1.3 * 29 * 8, 9);
});

test("the sheet runs from proximal to distal, with a bar where one lumen becomes two", () => {
  const { reference, labels, measured } = tubeStage(6, "tube");
  const { width, height, outlined } = slicePictures(reference, labels, classes);
  const sheet = overlayPicture(reference, labels, classes, measured?.vessel);
  const columns = (sheet.width - GAP) / (width + GAP);
  const place = (n: number): [number, number] => [
    GAP + (n % columns) * (width + GAP),
    GAP + Math.floor(n / columns) * (height + GAP),
  ];
  for (let n = 0; n < 6; n++) expect(isSame(part(sheet, ...place(n), width, height), outlined(n))).toBe(true);
  const bars = Array.from({ length: 6 }, (_, n) => at(sheet, place(n)[0] - 3, place(n)[1] + 5)[1] === 220);
  expect(bars).toEqual([false, false, false, true, false, false]);

  const against = overlayPicture(reference, labels, classes, { flow: -1, bifurcation: null });
  expect(isSame(part(against, ...place(0), width, height), outlined(5))).toBe(true);
  const downwards = [1, 0, 0, -24, 0, 1, 0, -20, 0, 0, -2, 0] as const;
  const turned = overlayPicture({ ...reference, affine: downwards }, { ...labels, affine: downwards }, classes);
  expect(isSame(part(turned, ...place(0), width, height), outlined(5))).toBe(true);
});

test("slices are seen with the patient's left to the right and the front up, however they are stored", () => {
  const [width, height] = [30, 20];
  // Towards the right and the front, as NIfTI files often are; bright at the patient's left, dark at the back.
  const grid = { width, height, slices: 1, affine: [-1, 0, 0, 15, 0, -1, 0, 10, 0, 0, 1, 0] as const };
  const values = new Float32Array(width * height).map((_, n) => 100 - 3 * (n % width) + 5 * Math.floor(n / width));
  const none = createVolume(grid, new Uint8Array(width * height));
  const picture = slicePictures(createVolume(grid, values), none, classes).plain(0);
  expect(at(picture, picture.width - 3, 5)[0]).toBeGreaterThan(at(picture, 3, 5)[0] + 50);
  expect(at(picture, 5, 3)[0]).toBeGreaterThan(at(picture, 5, picture.height - 3)[0] + 50);
});

test("other classes have colours of their own, and slices without labels are shown whole", () => {
  const many = ["background", ...Array.from({ length: 12 }, (_, n) => `class ${n}`)];
  const [background, ...others] = classColours(many);
  expect(background).toBeUndefined();
  for (const [n, one] of others.entries()) {
    for (const other of others.slice(n + 1)) {
      expect(Math.hypot(...one!.map((channel, c) => channel - other![c]))).toBeGreaterThan(30);
    }
  }
  const { reference, labels } = lesionStage(6, "lesion");
  const [, lesion] = classColours(["background", "lesion"]);
  const sheet = overlayPicture(reference, labels, ["background", "lesion"]);
  expect(count(sheet, lesion)).toBeGreaterThan(2 * 4 * 6 * 12); // two slices, four sides
  const empty = overlayPicture(reference, { ...labels, data: new Uint8Array(labels.data.length) }, ["background", "lesion"]);
  expect(empty.width * empty.height).toBeGreaterThan(5 * 40 * 36 * 12 * 12);
});

test("of many slices some are chosen evenly, the first and the last among them", () => {
  expect(evenly([1, 2, 3], 5)).toEqual([1, 2, 3]);
  expect(evenly([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3)).toEqual([0, 5, 10]);
  const { affine } = tubeStage(4, "tube").labels;
  const grid = { width: 8, height: 8, slices: 200, affine };
  const labels = createVolume(
    grid,
    new Uint8Array(8 * 8 * 200).map((_, n) => (n % 64 === 27 ? 1 : 0)),
  );
  const sheet = overlayPicture(createVolume(grid, new Float32Array(8 * 8 * 200)), labels, ["background", "dot"]);
  const { width, height } = slicePictures(createVolume(grid, new Float32Array(8 * 8 * 200)), labels, ["background", "dot"]);
  const panels = ((sheet.width - GAP) / (width + GAP)) * ((sheet.height - GAP) / (height + GAP));
  expect(panels).toBeGreaterThanOrEqual(40);
  expect(panels).toBeLessThan(50);
});
