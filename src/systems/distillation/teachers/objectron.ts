import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { input, readTflite, toOnnx } from "../../../graph/index.ts";

/** A package that brings a MobileNetV2 (width 1.0, batch normalisation folded) pretrained as the trunk of an object detector. */
const PACKAGE = { name: "@mediapipe/objectron", version: "0.4.1675468480", license: "Apache-2.0" };

/** Where the package keeps it, as a TFLite file: these bytes of this file. */
const MODEL = {
  file: "objectron_solution_packed_assets.data",
  start: 184,
  end: 9987912,
  sha256: "d0a5255bf8c4f5a0bc4240741a76c41d5e939f7655078f945f50ab53a9375da6",
};

/** SHA-256 of what `objectronTrunk` writes. */
export const TRUNK_SHA256 = "161c76788b2905ab70c9fc1ac078de698582dd6a7664b384c3a85a192e37569c";

/** The last sums of the stages at strides 4, 8 and 16 whose features are used: what lies deeper separates defects worse. */
const FEATURES = {
  stride4: "FeatureExtractor/MobilenetV2/expanded_conv_2/add",
  stride8: "FeatureExtractor/MobilenetV2/expanded_conv_5/add",
  stride16: "FeatureExtractor/MobilenetV2/expanded_conv_9/add",
};

const OTHERWISE = "or give another teacher with --teacher FILE";

const installed = createRequire(import.meta.url).resolve;

/**
 * The pretrained network that the package `@mediapipe/objectron` brings, up to stride 16, as an ONNX model. Its input `image` is
 * RGB scaled to [-1, 1], float32 [1, 3, 256, 256]; its outputs are `stride4` [1, 24, 64, 64], `stride8` [1, 32, 32, 32] and
 * `stride16` [1, 64, 16, 16]. Read with `anySize` it is right for any batch, and heights and widths that 16 divides: for these
 * TensorFlow's padding is the same. The bytes are the same every time; the metadata say where the weights come from.
 * `resolve` finds a package's file, by default as an import from here would.
 * @throws Error when the package is not installed, or its bytes are others.
 */
export const objectronTrunk = async (resolve: (file: string) => string = installed): Promise<Uint8Array> => {
  const { bytes, version } = await readPackage(resolve);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== MODEL.sha256) {
    throw new Error(
      `Bytes ${MODEL.start} to ${MODEL.end} of "${MODEL.file}" in the package "${PACKAGE.name}" ${version} are not the expected teacher: their SHA-256 is ${sha256}, not ${MODEL.sha256}. Install version ${PACKAGE.version} again, ${OTHERWISE}.`,
    );
  }
  const model = readTflite(bytes);
  const image = input("image", [1, 3, 256, 256]);
  const features = model.call({ [model.inputs[0].name]: image }, Object.values(FEATURES));
  return toOnnx({
    inputs: [image],
    outputs: Object.fromEntries(Object.entries(FEATURES).map(([name, value]) => [name, features[value]])),
    metadata: {
      source: `${PACKAGE.name} ${version}, ${MODEL.file}, bytes ${MODEL.start} to ${MODEL.end}`,
      source_sha256: sha256,
      license: PACKAGE.license,
      changes: "MobileNetV2 up to stride 16 of the original TFLite model, written as ONNX with float32 weights",
      input: "RGB scaled to [-1, 1]",
    },
  });
};

const readPackage = async (resolve: (file: string) => string) => {
  try {
    const [assets, manifest] = await Promise.all(
      [MODEL.file, "package.json"].map(async (file) => readFile(resolve(`${PACKAGE.name}/${file}`))),
    );
    return { bytes: assets.subarray(MODEL.start, MODEL.end), version: JSON.parse(manifest.toString()).version as string };
  } catch (error) {
    throw new Error(
      `The teacher comes with the package "${PACKAGE.name}", but "${MODEL.file}" or "package.json" of it cannot be read. Run "npm install ${PACKAGE.name}@${PACKAGE.version}", ${OTHERWISE}.`,
      { cause: error },
    );
  }
};
