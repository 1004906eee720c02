import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { TAG } from "../tiff-tags.ts";
import { magnificationFlaws, magnificationOf, scaleFor } from "./index.ts";
import { fileOf, openSlide, partOf, pathOf, texture } from "./testing/pictures.ts";
import { type TestPage, tiffFile } from "./testing/tiff-file.ts";

const page = (width: number, height: number, more: Partial<TestPage> = {}): TestPage => {
  const channels = more.channels ?? 3;
  return { width, height, tile: 32, channels, pixels: texture(width, height, channels), ...more };
};

/** Regions within a tile, across tiles, across every border, and outside. */
const regions = [
  { x: 3, y: 5, width: 20, height: 9 },
  { x: 20, y: 30, width: 61, height: 47 },
  { x: -7, y: -5, width: 30, height: 30 },
  { x: 60, y: 50, width: 90, height: 90 },
  { x: -10, y: -10, width: 200, height: 150 },
  { x: 500, y: 500, width: 4, height: 4 },
];

const expectPixels = async (path: string, pages: readonly { width: number; height: number; data: Uint8Array }[]) => {
  const slide = await openSlide(path);
  expect(slide.levels.map(({ width, height }) => [width, height])).toEqual(pages.map(({ width, height }) => [width, height]));
  for (const [level, data] of pages.entries()) {
    const found = await Promise.all(regions.map((region) => slide.read(level, region)));
    for (const [i, region] of regions.entries()) {
      expect(found[i]).toMatchObject({ width: region.width, height: region.height });
      expect(Buffer.compare(found[i].data, partOf(data, region))).toBe(0);
    }
  }
  await slide.close();
};

/** What libvips makes of the file itself. */
const decoded = async (path: string, level: number) => {
  const { data, info } = await sharp(path, { page: level }).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
};

describe("every region of every level is what libvips reads of the file", () => {
  const size = { width: 173, height: 121 };
  const rgb = () => sharp(texture(173, 121, 3), { raw: { ...size, channels: 3 } });
  const grey = () => sharp(texture(173, 121, 1), { raw: { ...size, channels: 1 } }).toColourspace("b-w");
  const tiles = { tile: true, tileWidth: 32, tileHeight: 48, pyramid: true } as const;
  test.each([
    ["jpeg, YCbCr 4:2:0", rgb, { compression: "jpeg", quality: 80 }],
    ["jpeg, YCbCr 4:4:4", rgb, { compression: "jpeg", quality: 95 }],
    ["jpeg, grey", grey, { compression: "jpeg" }],
    ["lzw", rgb, { compression: "lzw", predictor: "none" }],
    ["lzw with differences", rgb, { compression: "lzw", predictor: "horizontal" }],
    ["deflate with differences", rgb, { compression: "deflate", predictor: "horizontal" }],
    ["deflate, BigTIFF", rgb, { compression: "deflate", bigtiff: true }],
    ["deflate, grey", grey, { compression: "deflate" }],
    ["packbits", rgb, { compression: "packbits" }],
    ["webp", rgb, { compression: "webp" }],
    ["none", rgb, { compression: "none" }],
  ] as const)("%s", async (name, picture, options) => {
    const path = pathOf(`${name.replace(/\W+/g, "-")}.tif`);
    await picture()
      .tiff({ ...tiles, ...options })
      .toFile(path);
    const { pages = 1 } = await sharp(path).metadata();
    expect(pages).toBeGreaterThan(2);
    await expectPixels(path, await Promise.all(Array.from({ length: pages }, (_, level) => decoded(path, level))));
  });
});

describe("a file written by hand", () => {
  const levels = [page(150, 100), page(75, 50), page(38, 25)];
  const asData = ({ width, height, pixels }: TestPage) => ({ width, height, data: pixels });
  const orders = [
    { littleEndian: true, big: false },
    { littleEndian: false, big: false },
    { littleEndian: true, big: true },
    { littleEndian: false, big: true },
  ];

  test.each(orders)("has its levels as pages, $littleEndian $big", async (order) => {
    const path = await fileOf(`pages-${order.littleEndian}-${order.big}.tif`, tiffFile(levels, order));
    await expectPixels(path, levels.map(asData));
  });

  test.each(orders)("has its levels below the first page, $littleEndian $big", async (order) => {
    const file = tiffFile([{ ...levels[0], below: levels.slice(1) }], order);
    await expectPixels(await fileOf(`below-${order.littleEndian}-${order.big}.tif`, file), levels.map(asData));
  });

  test("is stored in strips, of which the last is shorter", async () => {
    const strips = levels.map((level) => ({ ...level, strips: true, tile: 16 }));
    await expectPixels(await fileOf("strips.tif", tiffFile(strips)), levels.map(asData));
  });

  test("has channels apart from each other, deflated", async () => {
    const planar = page(150, 100, { planar: true, compress: (tile) => deflateSync(tile), tags: { [TAG.compression]: 8 } });
    await expectPixels(await fileOf("planar.tif", tiffFile([planar])), [asData(planar)]);
  });

  test("has transparent pixels, which lie over white, or a channel that means nothing", async () => {
    const pixels = Uint8Array.from({ length: 32 * 32 * 4 }, (_, i) => [100, 150, 200, 0][i % 4]);
    const four = { width: 32, height: 32, tile: 32, channels: 4, pixels };
    const read = async (kind: number) => {
      const slide = await openSlide(
        await fileOf(`alpha${kind}.tif`, tiffFile([{ ...four, tags: { [TAG.extraSamples]: kind } }])),
      );
      return [...(await slide.read(0, { x: 0, y: 0, width: 1, height: 1 })).data];
    };
    expect(await read(2)).toEqual([255, 255, 255]);
    expect(await read(0)).toEqual([100, 150, 200]);
  });

  test("left tiles out, which are white, and 0 of masks", async () => {
    const holes = { compress: () => new Uint8Array() };
    const region = { x: 0, y: 0, width: 1, height: 1 };
    const read = async (channels: number) => {
      const slide = await openSlide(await fileOf(`holes${channels}.tif`, tiffFile([page(64, 64, { ...holes, channels })])));
      return [...(await slide.read(0, region)).data];
    };
    expect(await read(3)).toEqual([255, 255, 255]);
    expect(await read(1)).toEqual([0, 0, 0]);
  });

  test("has a palette: colours, or indices where they are asked for, with 0 beyond the border", async () => {
    const classes = Uint8Array.from({ length: 40 * 40 }, (_, i) => i % 4);
    const colours = Array.from({ length: 768 }, (_, i) => (i % 256 < 4 ? ((i % 256) * 50 + Math.floor(i / 256)) * 257 : 0));
    const mask = page(40, 40, { channels: 1, pixels: classes, tags: { [TAG.photometric]: 3 } });
    // The map is of 16 bits, which the test's writer has only as pairs in its 32.
    const pairs = Array.from({ length: 384 }, (_, i) => colours[2 * i] + colours[2 * i + 1] * 65_536);
    const file = tiffFile([{ ...mask, tags: { ...mask.tags, [TAG.colourMap]: pairs } }]);
    const entry = file.indexOf(Buffer.from([64, 1, 4, 0, 128, 1, 0, 0]));
    file.writeUInt16LE(3, entry + 2);
    file.writeUInt32LE(768, entry + 4);
    const path = await fileOf("palette.tif", file);
    const region = { x: 38, y: 1, width: 3, height: 1 };
    const read = async (indices: boolean) => [...(await (await openSlide(path, { indices })).read(0, region)).data];
    expect(await read(false)).toEqual([100, 101, 102, 150, 151, 152, 255, 255, 255]);
    expect(await read(true)).toEqual([2, 2, 2, 3, 3, 3, 0, 0, 0]);
  });
});

describe("which pictures are levels", () => {
  const aperio = (more: string) => ({ [TAG.description]: `Aperio Image Library v11\n${more}` });
  test("Aperio: tiled pages; thumbnail, label and macro are only named", async () => {
    const scan = "150x100 [0,0 150x100] (32x32) JPEG/RGB Q=30|AppMag = 40|User = someone|MPP = 0.2525|Title = a label";
    const file = tiffFile([
      page(150, 100, { tags: aperio(scan) }),
      page(75, 50, { tags: aperio(`150x100 -> 75x50 - |${scan}`) }),
      page(30, 20, { tags: aperio("label 30x20") }),
      page(38, 25, { tags: aperio(`150x100 -> 38x25 - |${scan}`) }),
      page(60, 20, { tags: aperio("macro 60x20") }),
    ]);
    const slide = await openSlide(await fileOf("a.svs", file));
    expect(slide).toMatchObject({
      format: "Aperio SVS",
      micronsPerPixel: 0.2525,
      magnification: 40,
      associated: ["label", "macro"],
    });
    expect(slide.levels.map(({ width, downsample }) => [width, downsample])).toEqual([
      [150, 1],
      [75, 2],
      [38, 4],
    ]);
    expect(JSON.stringify(slide)).not.toContain("someone");
  });

  test("pages of another aspect, of the same size and of another way of storing are none", async () => {
    const file = tiffFile([page(150, 100), page(150, 100), page(90, 50), page(75, 50), page(38, 25, { strips: true })]);
    const slide = await openSlide(await fileOf("mixed.tif", file));
    expect(slide.levels.map(({ width }) => width)).toEqual([150, 75]);
    expect(slide.associated).toEqual(["page 2", "page 3", "page 5"]);
  });

  test("a label or macro before the slide is passed over; alone it is refused", async () => {
    const label = page(150, 100, { tags: { [TAG.description]: "Label" } });
    const slide = await openSlide(await fileOf("label-first.tif", tiffFile([label, page(96, 64)])));
    expect([slide.width, slide.associated]).toEqual([96, ["label"]]);
    await expect(openSlide(await fileOf("label.tif", tiffFile([label])))).rejects.toThrow("it holds only label, macro");
  });

  test.each([
    "macro_image",
    "slide_macro",
    "Label_1",
    "LabelImage",
    "MACRO",
    "the scan\nSlideLabel",
    "MacroImage 2",
    "labelimage",
  ])("a page called %j is never the slide, however large", async (name) => {
    const called = page(160, 96, { tags: { [TAG.description]: name } });
    const slide = await openSlide(await fileOf("called.tif", tiffFile([called, page(96, 64), page(48, 32)])));
    expect([slide.levels.map(({ width }) => width), slide.associated.length]).toEqual([[96, 48], 1]);
  });

  test("the slide is the largest page, and one in tiles where there are such; names that only begin alike are none", async () => {
    const widths = async (...pages: TestPage[]) =>
      (await openSlide(await fileOf("largest.tif", tiffFile(pages)))).levels.map(({ width }) => width);
    expect(await widths(page(60, 60), page(150, 100), page(75, 50))).toEqual([150, 75]);
    expect(await widths(page(200, 90, { strips: true }), page(150, 100), page(75, 50))).toEqual([150, 75]);
    const labelled = page(64, 64, { tags: { [TAG.description]: "labelled macrophages" } });
    expect(await widths(labelled)).toEqual([64]);
  });

  test("OME-TIFF: the largest image that is not called a label or macro", async () => {
    const image = (name: string, ifd: number) =>
      `<Image ID="I" Name="${name}"><Pixels SizeC="3" PhysicalSizeX="0.${ifd + 1}"><TiffData IFD="${ifd}"/></Pixels></Image>`;
    const text = `<OME>${image("", 0)}${image("Slide_Macro", 1)}${image("scan", 2)}${image("LabelImage", 3)}</OME>`;
    const file = tiffFile([page(60, 40, { tags: { [TAG.description]: text } }), page(300, 100), page(150, 100), page(200, 200)]);
    const slide = await openSlide(await fileOf("largest.ome.tif", file));
    expect(slide).toMatchObject({ width: 150, micronsPerPixel: 0.3, associated: ["page 1", "macro", "label"] });
  });

  test("OME-TIFF: the first image and what is below it; sizes from its XML", async () => {
    const pixels = (unit: string, size: number, c = 3) =>
      `<Pixels ID="P" SizeX="150" SizeY="100" SizeC="${c}" SizeZ="1" SizeT="1" PhysicalSizeX="${size}" PhysicalSizeXUnit="${unit}">`;
    const xml = (
      inside: string,
    ) => `<?xml version="1.0"?><OME xmlns="x"><Instrument ID="I"><Objective ID="O1" NominalMagnification="5"/>
      <Objective ID="O2" NominalMagnification="20"/></Instrument>${inside}</OME>`;
    const image = (name: string, body: string) => `<Image ID="I" Name="${name}">${body}</Image>`;
    const tiff = (ifd: number) => `<TiffData IFD="${ifd}" PlaneCount="1"/></Pixels>`;
    const inside =
      image("macro image", pixels("µm", 9) + tiff(0)) +
      image("scan.svs", `<ObjectiveSettings ID="O2"/>${pixels("nm", 499)}${tiff(1)}`) +
      image("label image", pixels("µm", 9) + tiff(2));
    const described = (text: string) => page(60, 40, { tags: { [TAG.description]: text } });
    const scan = page(150, 100, { below: [page(75, 50), page(60, 20)] });
    const slide = await openSlide(await fileOf("a.ome.tif", tiffFile([described(xml(inside)), scan, page(75, 50)])));
    expect(slide).toMatchObject({ format: "OME-TIFF", width: 150, magnification: 20, associated: ["macro", "label"] });
    expect(slide.micronsPerPixel).toBeCloseTo(0.499, 9);
    expect(slide.levels).toHaveLength(2);
    const fluorescence = xml(image("cells", pixels("µm", 1, 4) + tiff(0)));
    await expect(openSlide(await fileOf("b.ome.tif", tiffFile([described(fluorescence)])))).rejects.toThrow("it has 4 channels");
  });

  test("formats of other scanners and other compressions are named", async () => {
    const refused = async (tags: TestPage["tags"], message: string) =>
      expect(openSlide(await fileOf("other.tif", tiffFile([page(64, 64, { tags })])))).rejects.toThrow(message);
    await refused({ 65420: 1 }, "Hamamatsu NDPI, which is not read. Convert it");
    await refused({ [TAG.description]: "<scn xmlns='http://www.leica-microsystems.com/scn/2010/10/01'>" }, "Leica SCN");
    await refused({ [TAG.xmp]: "<Metadata><iScan/></Metadata>" }, "Ventana BIF");
    await refused({ [TAG.compression]: 22610 }, "compressed as JPEG XR (compression 22610), which is not read. Convert it");
    await refused({ [TAG.bits]: [16, 16, 16] }, "its samples have 16 bits");
    await refused({ [TAG.photometric]: 6 }, "3 channels of colours of kind 6");
  });
});

describe("how large a pixel is", () => {
  test("from the resolution, unless that is a printer's", async () => {
    const rational = async (perCentimetre: number) => {
      const path = pathOf(`resolution-${perCentimetre}.tif`);
      const picture = sharp(texture(64, 64, 3), { raw: { width: 64, height: 64, channels: 3 } });
      await picture
        .tiff({ tile: true, tileWidth: 16, tileHeight: 16, resolutionUnit: "cm", xres: perCentimetre / 10, yres: 1 })
        .toFile(path);
      return (await openSlide(path)).micronsPerPixel;
    };
    expect(await rational(20_000)).toBeCloseTo(0.5, 6);
    expect(await rational(118)).toBeUndefined();
  });

  test("magnification follows from it where there is no objective; an error names what is missing", async () => {
    const path = await fileOf("unknown.tif", tiffFile([page(64, 64)]));
    const unknown = await openSlide(path);
    expect(() => magnificationOf(unknown)).toThrow(/^Cannot use the image ".*unknown.tif": it says neither .* --mpp/);
    const known = await openSlide(path, { micronsPerPixel: 0.25 });
    expect([magnificationOf(known), scaleFor(known, 10), scaleFor(known, 80)]).toEqual([40, 4, 0.5]);
    expect(magnificationOf({ ...unknown, magnification: 20 })).toBe(20);
    expect(() => scaleFor(known, 0)).toThrow(RangeError);
    await expect(openSlide(path, { micronsPerPixel: 0 })).rejects.toThrow(RangeError);
  });
});

test("the size of pixels counts before the objective power, which is taken where both say the same", async () => {
  const slide = await openSlide(await fileOf("both.tif", tiffFile([page(64, 64)])));
  const both = (micronsPerPixel: number, magnification = 20) => ({ ...slide, micronsPerPixel, magnification });
  expect(magnificationOf(both(0.25))).toBe(40);
  expect(magnificationOf(both(0.499))).toBe(20);
  expect(magnificationOf(both(0.46))).toBeCloseTo(21.74, 2);
  expect(magnificationFlaws(both(0.499), 10)).toEqual([]);
  expect(magnificationFlaws(both(0.46), 10)).toEqual([]);
  expect(magnificationFlaws(both(0.25), 10)).toEqual([
    "The file says 20x, but its pixels of 0.25 micrometres are those of 40x, which was used. If they are of another size, give it with --mpp.",
  ]);
  expect(magnificationFlaws(both(2, 5), 10)).toEqual([
    "The slide is of 5x, coarser than the 10x at which it is looked at: it was enlarged and lacks detail, so grades are doubtful.",
  ]);
});

test("plain images have one level", async () => {
  const picture = sharp(texture(90, 60, 3), { raw: { width: 90, height: 60, channels: 3 } });
  for (const [name, bytes] of [
    ["a.png", await picture.png().toBuffer()],
    ["a.jpg", await picture.jpeg().toBuffer()],
    ["a.tiff", await picture.tiff().toBuffer()],
  ] as const) {
    const path = await fileOf(name, bytes);
    await expectPixels(path, [await decoded(path, 0)]);
    expect(await openSlide(path)).toMatchObject({ format: "plain image", magnification: undefined, associated: [] });
  }
});

test("a region or level that cannot be is an error, and so is a closed slide", async () => {
  const slide = await openSlide(await fileOf("checks.tif", tiffFile([page(64, 64)])));
  const at = { x: 0, y: 0, width: 8, height: 8 };
  await expect(slide.read(1, at)).rejects.toThrow("has levels 0 to 0, not 1");
  await expect(slide.read(0, { ...at, x: 0.5 })).rejects.toThrow("whole pixels");
  await expect(slide.read(0, { ...at, width: 20_000, height: 20_000 })).rejects.toThrow("Read it in parts");
  await slide.close();
  await expect(slide.read(0, at)).rejects.toThrow(/closed/);
});

const sample = fileURLToPath(new URL("../../../../shared/data/slides/CMU-1-Small-Region.svs", import.meta.url));

describe.skipIf(!existsSync(sample))("a slide of a scanner (skipped where ../shared/data/slides is not there)", () => {
  test("is read as libvips reads it, under any name", async () => {
    const copy = await fileOf("scan.png", readFileSync(sample));
    const slide = await openSlide(copy);
    expect(slide).toMatchObject({ format: "Aperio SVS", width: 2220, height: 2967, micronsPerPixel: 0.499, magnification: 20 });
    expect(slide.levels).toEqual([{ width: 2220, height: 2967, downsample: 1 }]);
    expect(slide.associated).toEqual(["thumbnail", "label", "macro"]);
    const whole = await decoded(sample, 0);
    for (const region of [
      { x: 1000, y: 1200, width: 512, height: 512 },
      { x: 2000, y: 2700, width: 300, height: 300 },
      { x: -20, y: 100, width: 50, height: 600 },
    ]) {
      expect(Buffer.compare((await slide.read(0, region)).data, partOf(whole, region))).toBe(0);
    }
  });
});
