import { expect, test } from "vitest";
import { cast, input, max, mean } from "../graph/index.ts";
import { readDetector, writeDetector } from "./contract.ts";

const configIn = (config: unknown): unknown => {
  const image = input("image", ["height", "width", 3], "uint8");
  const map = mean(cast(image, "float32"), [2]);
  const bytes = writeDetector(
    { image, map, score: max(map) },
    {
      system: "any",
      preprocess: { size: 16, channels: 3, aspect: "stretch", depth: 8 },
      imageScore: { kind: "max" },
      config,
      threshold: undefined,
      provenance: undefined,
    },
  );
  return readDetector(bytes).description.config;
};

test("a model file keeps the names of region and teacher, and not the way to them", () => {
  expect(configIn({ seed: 1, image: { size: 16, roi: "/home/someone/region.png" } })).toEqual({
    seed: 1,
    image: { size: 16, roi: "region.png" },
  });
  const teacherIn = (model: string) => configIn({ image: { size: 16 }, teacher: { model, strides: [4] } });
  for (const [model, name] of [
    ["/home/someone/teachers/resnet.onnx", "resnet.onnx"],
    ["../resnet.onnx", "resnet.onnx"],
    ["https://someone:secret@example.org/models/resnet.onnx?key=secret", "resnet.onnx"],
    ["objectron", "objectron"],
  ]) {
    expect(teacherIn(model)).toEqual({ image: { size: 16 }, teacher: { model: name, strides: [4] } });
  }
});

test.each([{ size: 16 }, { image: { size: 16 } }, { teacher: { strides: [4] } }])(
  "other settings stay as they are: %j",
  (config) => {
    expect(configIn(config)).toEqual(config);
  },
);
