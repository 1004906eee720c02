import type { PreparedImages } from "../../../detection/index.ts";
import { input, program } from "../../../graph/index.ts";
import { trainable } from "../../../nn/index.ts";
import { random } from "../../../random/index.ts";
import type { Runtime, Value } from "../../../runtime/index.ts";
import type { ModelConfig } from "../config.ts";
import { CANDIDATES, coreset, drawPositions } from "../coreset.ts";
import { chooseExemplars, recalls, type View } from "../data.ts";
import { student, studentOptions } from "../model.ts";

/**
 * What the recall modules remember before the first step, so that the memory holds the teacher's features of normal images before it
 * guides the student: of positions drawn evenly from the exemplars, those whose queries point in the directions farthest apart (see `coreset`) give their
 * queries as keys and their features as values. The state must have its first values. Where there are fewer positions than
 * items, they are remembered again.
 */
export const rememberExemplars = async (
  runtime: Runtime,
  view: View,
  config: ModelConfig,
  images: PreparedImages,
): Promise<void> => {
  const exemplars = recalls(config) ? chooseExemplars(images, config.memory.exemplars, config.seed) : [];
  if (exemplars.length === 0) return;
  const x = input("x", [1, ...view.shape]);
  const p = trainable();
  const { recollections } = student(p, view.features(x), studentOptions(config));
  const results = Object.fromEntries(
    recollections.flatMap(({ asked, query }, index) => [[`asked${index}`, asked] as const, [`query${index}`, query] as const]),
  );
  const state = [...p.declarations.values()].map(({ tensor }) => tensor);
  const loaded = await runtime.load(program({ feeds: [x], state, results }));
  const names = [...p.declarations.keys()].filter((name) => name.endsWith("memory.keys"));
  const found = names.map(() => ({ features: [] as Float32Array[], queries: [] as Float32Array[] }));
  for (const [order, exemplar] of exemplars.entries()) {
    const { x: data, counts } = await images.get(exemplar);
    const seen = await loaded.run({ x: { data, shape: [1, ...view.shape] } });
    for (const [index, { features, queries }] of found.entries()) {
      const [asked, query] = [rowsOf(seen[`asked${index}`]), rowsOf(seen[`query${index}`])];
      const rng = random("candidates", config.seed, index, order);
      for (const position of drawPositions(Math.sqrt(asked.length), counts, Math.ceil(CANDIDATES / exemplars.length), rng)) {
        features.push(asked[position]);
        queries.push(query[position]);
      }
    }
  }

  for (const [index, keys] of names.entries()) {
    const { features, queries } = found[index];
    const values = keys.replace(/keys$/, "values");
    const first = await runtime.readState([keys, values]);
    const [count, channels] = (first.get(keys) as Value).shape;
    const directions = new Float32Array(queries.length * channels);
    for (const [row, query] of queries.entries()) directions.set(unit(query), row * channels);
    const chosen = coreset(directions, channels, count, random("memory", config.seed, index));
    if (chosen.length === 0) continue;
    const filled = (name: string, rows: readonly Float32Array[]): [string, Value] => {
      const { data: stored, shape } = first.get(name) as Value;
      const next = Float32Array.from(stored as Float32Array);
      for (let item = 0; item < count; item++) next.set(rows[chosen[item % chosen.length]], item * channels);
      return [name, { data: next, shape }];
    };
    await runtime.writeState(new Map([filled(keys, queries), filled(values, features)]));
  }
};

/** [1, channels, ...positions] -> the vector of each position. */
const rowsOf = ({ data, shape: [, channels] }: Value): Float32Array[] => {
  const positions = data.length / channels;
  return Array.from({ length: positions }, (_, position) =>
    Float32Array.from({ length: channels }, (_, channel) => Number(data[channel * positions + position])),
  );
};

const unit = (vector: Float32Array): Float32Array => {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
};
