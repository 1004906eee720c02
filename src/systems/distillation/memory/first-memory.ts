import type { PreparedImages } from "../../../detection/index.ts";
import { input, program } from "../../../graph/index.ts";
import { trainable } from "../../../nn/index.ts";
import { random } from "../../../random/index.ts";
import type { Runtime, Value } from "../../../runtime/index.ts";
import type { ModelConfig } from "../config.ts";
import { coreset } from "../coreset.ts";
import { chooseExemplars, recalls, type View, viewsOf } from "../data.ts";
import { student, studentOptions } from "../student.ts";

/**
 * What the recall modules remember before the first step: of the features that the untrained student makes of the exemplars, those that
 * lie farthest apart (see `coreset`) become the values, and their queries the keys. So the memory holds normal features, by way of the
 * teacher, before it guides the student. The state must have its first values. Where there are fewer features than items, the
 * remaining items keep theirs.
 */
export const rememberExemplars = async (
  runtime: Runtime,
  view: View,
  config: ModelConfig,
  images: PreparedImages,
): Promise<void> => {
  const exemplars = recalls(config) ? chooseExemplars(images, config.memory.exemplars, config.seed) : [];
  if (exemplars.length === 0) return;
  const x = input("x", [exemplars.length, ...view.shape]);
  const p = trainable();
  const { recollections } = student(p, view.features(x), studentOptions(config));
  const asked = recollections.flatMap(({ asked, query }, index) => [
    [`asked${index}`, asked] as const,
    [`query${index}`, query] as const,
  ]);
  const state = [...p.declarations.values()].map(({ tensor }) => tensor);
  const loaded = await runtime.load(program({ feeds: [x], state, results: Object.fromEntries(asked) }));
  const results = await loaded.run({ x: await viewsOf(images, exemplars, view) });

  const names = [...p.declarations.keys()].filter((name) => name.endsWith("memory.keys"));
  for (const [index, keys] of names.entries()) {
    const values = keys.replace(/keys$/, "values");
    const first = await runtime.readState([keys, values]);
    const [features, queries] = [results[`asked${index}`], results[`query${index}`]].map(rowsOf);
    const [count, channels] = (first.get(keys) as Value).shape;
    const chosen = coreset(features, channels, count, random("memory", config.seed, index));
    const filled = (name: string, rows: Float32Array): [string, Value] => {
      const { data: stored, shape } = first.get(name) as Value;
      const next = Float32Array.from(stored as Float32Array);
      for (const [item, row] of chosen.entries()) next.set(rows.subarray(row * channels, (row + 1) * channels), item * channels);
      return [name, { data: next, shape }];
    };
    await runtime.writeState(new Map([filled(keys, queries), filled(values, features)]));
  }
};

/** [batch, channels, ...positions] -> one row of channels for each position of each image. */
const rowsOf = ({ data, shape: [batch, channels, ...rest] }: Value): Float32Array => {
  const positions = rest.reduce((product, size) => product * size, 1);
  const rows = new Float32Array(data.length);
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let position = 0; position < positions; position++) {
        rows[(image * positions + position) * channels + channel] = Number(
          data[(image * channels + channel) * positions + position],
        );
      }
    }
  }
  return rows;
};
