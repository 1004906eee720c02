import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { readFileFacts } from "./file-facts.ts";
import { ImageError } from "./image.ts";
import { readJpegSegments } from "./jpeg-segments.ts";
import { crc32 } from "./slides/png-palette.ts";

const picture = () =>
  sharp(
    Uint8Array.from({ length: 16 * 12 * 3 }, (_, i) => (i * 37) % 256),
    { raw: { width: 16, height: 12, channels: 3 } },
  );

describe("segments of JPEG files", () => {
  test("every quality is read back from its table", async () => {
    for (let quality = 1; quality <= 100; quality++) {
      const segments = readJpegSegments(await picture().jpeg({ quality }).toBuffer());
      expect(segments).toEqual({ names: [], quality, standardTable: true });
    }
  });

  test("another table is not standard, and has the quality of the nearest one", async () => {
    const { quality, standardTable } = readJpegSegments(await picture().jpeg({ quality: 80, quantisationTable: 3 }).toBuffer());
    expect(standardTable).toBe(false);
    expect(Math.abs(quality! - 80)).toBeLessThan(12);
  });

  test("all are named once, in their order", async () => {
    const whole = await picture()
      .withExif({ IFD0: { Make: "A" } })
      .withIccProfile("p3")
      .withXmp("<x/>")
      .jpeg()
      .toBuffer();
    const comment = Buffer.from([0xff, 0xfe, 0, 4, 0x68, 0x69, 0xff, 0xeb, 0, 3, 1]);
    const named = readJpegSegments(Buffer.concat([whole.subarray(0, 2), comment, whole.subarray(2)])).names;
    expect(named.slice(0, 2)).toEqual(["comment", "APP11"]);
    expect([...named.slice(2)].sort()).toEqual(["Exif", "ICC_PROFILE", "http://ns.adobe.com/xap/1.0/"]);
  });

  test("a file cut short anywhere gives those before the cut", async () => {
    const whole = await picture()
      .withExif({ IFD0: { Make: "A" } })
      .jpeg({ quality: 70 })
      .toBuffer();
    const found = Array.from({ length: whole.length }, (_, end) => readJpegSegments(whole.subarray(0, end)));
    expect(found[0]).toEqual({ names: [], quality: undefined, standardTable: false });
    expect(found.at(-1)).toMatchObject({ names: ["Exif"], quality: 70 });
  });
});

describe("facts of files", () => {
  test("of a JPEG file, with the software of its EXIF data", async () => {
    const bytes = await picture()
      .withExif({ IFD0: { Software: "Lightroom 7", Make: "A" } })
      .jpeg({ quality: 85, progressive: true, chromaSubsampling: "4:4:4" })
      .toBuffer();
    const facts = await readFileFacts(bytes);
    expect(facts).toMatchObject({
      header: { format: "jpeg", width: 16, height: 12, profile: false },
      bytes: bytes.length,
      jpeg: { quality: 85 },
      chromaSubsampling: "4:4:4",
      progressive: true,
      exif: true,
      xmp: false,
      software: "Lightroom 7",
    });
  });

  test("of a PNG file: software from a text, EXIF data or XMP data", async () => {
    const plain = await readFileFacts(await picture().png().toBuffer());
    expect(plain).toMatchObject({ header: { format: "png" }, jpeg: undefined, exif: false, xmp: false, software: undefined });
    const exif = await readFileFacts(
      await picture()
        .withExif({ IFD0: { Software: "GIMP" } })
        .png()
        .toBuffer(),
    );
    expect(exif).toMatchObject({ exif: true, software: "GIMP" });
    const xmp = await readFileFacts(
      await picture().withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><d xmp:CreatorTool="Editor 3"/></x:xmpmeta>').png().toBuffer(),
    );
    expect(xmp).toMatchObject({ xmp: true, software: "Editor 3" });
    const png = await picture().png().toBuffer();
    const text = Buffer.from("Software\0Painter", "latin1");
    const chunk = Buffer.alloc(12 + text.length);
    chunk.writeUInt32BE(text.length, 0);
    chunk.write("tEXt", 4);
    text.copy(chunk, 8);
    chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + text.length)), 8 + text.length);
    const texted = await readFileFacts(Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]));
    expect(texted.software).toBe("Painter");
  });

  test("files that are none are refused by their name", async () => {
    await expect(readFileFacts(Buffer.from("no image at all"), { name: "a.jpg" })).rejects.toThrow(/"a.jpg": it is not a JPEG/);
    await expect(readFileFacts("/nowhere/a.jpg")).rejects.toThrow(ImageError);
  });
});
