import sharp from "sharp";
import { expect, test } from "vitest";
import { decodeImage } from "./decode.ts";

test("a frame that reaches outside the screen is refused, whatever size it claims; one inside is read", async () => {
  const red = { create: { width: 20, height: 10, channels: 3, background: "red" } } as const;
  const whole = await sharp(red).gif().toBuffer();
  expect(await decodeImage(whole)).toMatchObject({ width: 20, height: 10 });
  let at = whole.indexOf(0x2c, 13 + (whole[10] & 0x80 ? 3 * 2 ** ((whole[10] & 7) + 1) : 0));
  while (whole.readUInt16LE(at + 5) !== 20 || whole.readUInt16LE(at + 7) !== 10) at = whole.indexOf(0x2c, at + 1);
  for (const [offset, value] of [
    [1, 1],
    [3, 1],
    [5, 9_900],
    [7, 11],
  ]) {
    const lying = Buffer.from(whole);
    lying.writeUInt16LE(value, at + offset);
    await expect(decodeImage(lying)).rejects.toThrow("its first frame is larger than its screen");
  }
});
