import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDetector, readDetector, trainDetector } from "../../detection/index.ts";
import {
  createImage,
  createMask,
  decodeImage,
  type Image,
  readDataset,
  surface,
  writeMaskPng,
  writePng,
  writeSurfaces,
} from "../../imaging/index.ts";
import { runFiles } from "../../training/index.ts";
import { type ConfigInput, configSchema } from "./config.ts";
import { largestDifference } from "./testing/graphs.ts";
import { expectAgreement, openRuns, size } from "./testing/runs.ts";
import { methodOf } from "./train.ts";

let runs: Awaited<ReturnType<typeof openRuns>>;
beforeAll(async () => {
  runs = await openRuns();
});
afterAll(() => runs.close());

const picture = (width: number, height: number): Image =>
  createImage(
    width,
    height,
    Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919 + (i >> 5) * 31) % 256),
  );

describe("the model file agrees with the browser's runtime", () => {
  test.each<[string, ConfigInput]>([
    ["three scales", { image: { size: 64 }, teacher: { strides: [4, 8, 16] } }],
    [
      "standardised, flattened, mean of the top",
      { loss: { form: "flattened" }, score: { standardise: true, image: "top", topShare: 0.05 } },
    ],
    ["fit, an added answer, the other memories", { image: { aspect: "fit" }, memory: { modules: ["adaptive", "recall"] } }],
    [
      "grey, with augmentation and averaged weights, named maps, no memory",
      {
        image: { channels: 1 },
        augmentation: { quarterTurns: true },
        teacher: { layers: ["stride2", "stride8"] },
        memory: { modules: ["none"] },
        training: { average: 0.9 },
      },
    ],
  ])("%s", async (name, given) => {
    await runs.run(name, { ...given, training: { steps: 3, ...given.training } });
    const model = await runs.modelOf(name);
    const { model: file, description } = readDetector(model);
    expect(file.opset).toBe(17);
    const images = [picture(size, size), picture(90, 37), surface("tiles", { size, seed: 1, index: 40 }).image];
    const detections = await expectAgreement(model, images);
    for (const { score, anomalous } of detections) expect(anomalous).toBe(score >= description.threshold!.value);
    expect(new Set(detections.map(({ score }) => score)).size).toBe(3);
  });

  test("with every setting as it is by default", async () => {
    const config = configSchema.parse({ training: { steps: 2 } });
    const out = join(runs.folder, "default");
    await trainDetector(await methodOf(config, {}), { data: runs.data, out, config, threads: 1 });
    await expectAgreement(await readFile(runFiles(out).model), [
      picture(140, 90),
      surface("tiles", { size, seed: 1, index: 40 }).image,
    ]);
  });

  test("on a tile, whose maps the tool joins", async () => {
    const large = join(runs.folder, "large");
    await writeSurfaces(large, { categories: ["fabric"], size: 50, trainCount: 6, testPerKind: 0, seed: 2 });
    const aspect: ConfigInput = { image: { aspect: "tile", tile: { overlap: 0.25 } } };
    expect((await runs.run("tiles", aspect, { data: join(large, "fabric") })).skipped).toEqual([]);
    const model = await runs.modelOf("tiles");
    await expectAgreement(model, [picture(size, size)]);
    const detector = await openDetector(model, { threads: 1, inThisThread: true });
    const { map, score } = await detector.detect(picture(100, 60));
    await detector.close();
    expect(map).toHaveLength(6000);
    const largest = map.reduce((most, value) => Math.max(most, value));
    expect(score).toBeCloseTo(largest, 6);
  });
});

describe("what does not count", () => {
  const [upper, lower] = [0, 1].map((half) => {
    const mask = createMask(size, size);
    mask.data.fill(1, (half * size * size) / 2, ((half + 1) * size * size) / 2);
    return mask;
  });
  const plain = surface("tiles", { size, seed: 1, index: 50 }).image;
  /** The lower half of a picture replaced. */
  const withJunk = (image: Image): Image =>
    createImage(
      size,
      size,
      Uint8Array.from(image.data, (value, i) => (i < (size * size * 3) / 2 ? value : (i * 97) % 256)),
    );
  /** A copy of a data set, its training images so replaced. */
  const spoilt = async (data: string): Promise<string> => {
    const copy = `${data}-spoilt`;
    await cp(data, copy, { recursive: true });
    for (const { path } of (await readDataset(copy)).train) await writePng(path, withJunk(await decodeImage(path)));
    return copy;
  };
  const expectSameState = async (name: string, expected: string): Promise<void> => {
    const state = await runs.stateOf(name);
    for (const [tensor, values] of await runs.stateOf(expected)) {
      expect(largestDifference(values, state.get(tensor)!), tensor).toBe(0);
    }
  };

  test("outside a region of interest, neither training nor score depends on it", async () => {
    const roi = join(runs.folder, "region.png");
    await writeMaskPng(roi, upper);
    const given: ConfigInput = { image: { roi }, score: { standardise: true } };
    await runs.run("region", given);
    await runs.run("region, spoilt", given, { data: await spoilt(runs.data) });
    await expectSameState("region, spoilt", "region");
    const model = await runs.modelOf("region");
    const [quiet, loud] = await expectAgreement(model, [plain, withJunk(plain)]);
    expect(loud.score).toBe(quiet.score);
    expect(largestDifference(loud.map.slice(0, (size * size) / 2), quiet.map.slice(0, (size * size) / 2))).toBe(0);
    expect(JSON.stringify(readDetector(model).description)).not.toContain(runs.folder);
    const everywhere = await expectAgreement(await withoutRegion(), [plain, withJunk(plain)]);
    expect(everywhere[0].score).not.toBe(everywhere[1].score);
  });

  const withoutRegion = async (): Promise<Uint8Array> => {
    await runs.run("everywhere");
    return runs.modelOf("everywhere");
  };

  test("in ignore masks, neither training nor score depends on it", async () => {
    const masked = join(runs.folder, "masked");
    await cp(runs.data, masked, { recursive: true });
    for (const { name } of (await readDataset(masked)).train) {
      await writeMaskPng(join(masked, "ignore", `${name.replace(/\.png$/, "")}.png`), lower);
    }
    const train = (await readDataset(masked)).train;
    expect(train.every(({ ignorePath }) => ignorePath !== undefined)).toBe(true);
    const given: ConfigInput = { augmentation: { flipVertical: true } };
    await runs.run("masked", given, { data: masked });
    await runs.run("masked, spoilt", given, { data: await spoilt(masked) });
    await expectSameState("masked, spoilt", "masked");
    const detector = await openDetector(await runs.modelOf("masked"), { threads: 1, inThisThread: true });
    const [quiet, loud] = [await detector.detect(plain, lower), await detector.detect(withJunk(plain), lower)];
    await detector.close();
    expect(loud.score).toBe(quiet.score);
  });
});
