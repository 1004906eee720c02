import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mul } from "../graph/index.ts";
import {
  adamW,
  batchNorm,
  constantRate,
  conv,
  l2,
  sgd,
  type TrainingStepDefinition,
  trainingStep,
  warmupCosine,
  weightedMean,
} from "../nn/index.ts";
import { random } from "../random/index.ts";
import { openLocalRuntime, type Value, type Values } from "../runtime/index.ts";
import { type ProgressEvent, readMetrics, readTensors, runFiles, type TrainingOptions, train } from "./index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lynceus-loop-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const shape = [2, 1, 8, 8];
const definition: TrainingStepDefinition = {
  batch: { image: shape },
  objective: (p, { image }) => {
    const hidden = batchNorm(p.at("norm"), conv(p.at("first"), image, 3, 3, { padding: 1 }));
    return { loss: weightedMean(l2(image, conv(p.at("last"), hidden, 1, 3, { padding: 1 }))) };
  },
  optimiser: adamW(),
  clipNorm: 1,
};
const step = trainingStep(definition);
const batch = async (number: number): Promise<Values> => {
  const rng = random("batch", number);
  return { image: { data: Float32Array.from({ length: 128 }, () => rng.uniform()), shape } };
};

/** Trains in a runtime of its own, as every process does. */
const run = async (name: string, options: Partial<TrainingOptions> = {}) => {
  const runtime = openLocalRuntime({ threads: 1 });
  const defaults = { runtime, step, batch, steps: 12, learningRate: warmupCosine(0.05, 3), files: filesOf(name), digest: "d" };
  try {
    return await train({ checkpointEvery: 5, logEvery: 2, ...defaults, ...options });
  } finally {
    await runtime.close();
  }
};
const filesOf = (name: string) => runFiles(join(folder, name));
/** The log but for the time, which differs from run to run. */
const logOf = async (name: string) => (await readMetrics(filesOf(name).metrics)).map(({ seconds, ...line }) => line);
const checkpointOf = (name: string): Promise<Buffer> => readFile(filesOf(name).checkpoint);

describe("training", () => {
  test("stops once its log is reason to, and resumed it stops there again, also where it was stopped before", async () => {
    const until: TrainingOptions["until"] = (lines) => lines.length === 4; // steps 1, 2, 4, 6
    const whole = await run("until", { until });
    expect(whole).toMatchObject({ step: 6, finished: true });
    expect(await run("until", { until, resume: true })).toMatchObject({ step: 6, finished: true });
    const stop = new AbortController();
    const listener = (event: ProgressEvent) => {
      if (event.kind === "step" && event.step === 3) stop.abort();
    };
    expect(await run("stopped", { until, listener, signal: stop.signal })).toMatchObject({ step: 3, finished: false });
    expect(await run("stopped", { until, resume: true })).toMatchObject({ step: 6, finished: true });
    expect(await checkpointOf("stopped")).toEqual(await checkpointOf("until"));
    expect(await logOf("stopped")).toEqual(await logOf("until"));
  });

  test("reports every step in order, logs at its interval and returns the network", async () => {
    const events: ProgressEvent[] = [];
    const { network, step: last, finished } = await run("run", { listener: (event) => events.push(event) });
    expect({ last, finished }).toEqual({ last: 12, finished: true });
    const steps = events.flatMap((event) => (event.kind === "step" ? [event] : []));
    expect(steps.map((event) => event.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (const event of steps) {
      expect(event.total).toBe(12);
      expect(event.learningRate).toBe(warmupCosine(0.05, 3)(event.step, 12));
      if (event.step < 5) expect(event.secondsLeft).toBeUndefined();
      else expect(event.secondsLeft).toBeGreaterThanOrEqual(0);
    }
    expect(steps.at(-1)!.secondsLeft).toBe(0);
    expect(steps.at(-1)!.loss).toBeLessThan(steps[0].loss);
    const log = await readMetrics(filesOf("run").metrics);
    expect(log.map((line) => line.step)).toEqual([1, 2, 4, 6, 8, 10, 12]);
    expect(log[1]).toMatchObject({ loss: steps[1].loss, learning_rate: steps[1].learningRate });
    expect(log[1].gradient_norm).toBeGreaterThan(0);
    // The network is what the checkpoint holds, without the optimiser's memory.
    const { tensors, metadata } = await readTensors(filesOf("run").checkpoint);
    expect(metadata).toEqual({ step: "12", digest: "d" });
    expect([...network.keys()].sort()).toEqual([...step.networkState].sort());
    for (const [name, value] of network) expect(tensors.get(name)).toEqual(value);
    expect(tensors.size).toBeGreaterThan(network.size);
    expect(network.get("first.weight")).not.toEqual(new Map(step.initialState()).get("first.weight"));
  });

  test("asks for each batch once, in order", async () => {
    const asked: number[] = [];
    await run("run", {
      batch: (number) => {
        asked.push(number);
        return batch(number);
      },
    });
    expect(asked).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test("resumed from a checkpoint it ends bit by bit where an undisturbed run ends", async () => {
    const whole = await run("whole");
    for (const stopAt of [1, 4, 5, 11]) {
      const name = `stopped at ${stopAt}`;
      const stop = new AbortController();
      const listener = (event: ProgressEvent) => event.kind === "step" && event.step === stopAt && stop.abort();
      const part = await run(name, { listener, signal: stop.signal });
      expect({ step: part.step, finished: part.finished }).toEqual({ step: stopAt, finished: false });
      expect((await readTensors(filesOf(name).checkpoint)).metadata.step).toBe(String(stopAt));

      const steps: number[] = [];
      const rest = await run(name, { resume: true, listener: (event) => event.kind === "step" && steps.push(event.step) });
      expect(steps[0]).toBe(stopAt + 1);
      expect(rest.network).toEqual(whole.network);
      expect(await checkpointOf(name)).toEqual(await checkpointOf("whole"));
      expect(await logOf(name)).toEqual(await logOf("whole"));
    }
  });

  test("a crash between checkpoints repeats the steps since, and logs none twice", async () => {
    await run("whole");
    const crash = (event: ProgressEvent) => {
      if (event.kind === "step" && event.step === 9) throw new Error("crash");
    };
    await expect(run("crashed", { listener: crash })).rejects.toThrow("crash");
    expect((await readTensors(filesOf("crashed").checkpoint)).metadata.step).toBe("5");
    expect((await readMetrics(filesOf("crashed").metrics)).at(-1)!.step).toBe(8);
    await run("crashed", { resume: true });
    expect(await checkpointOf("crashed")).toEqual(await checkpointOf("whole"));
    expect(await logOf("crashed")).toEqual(await logOf("whole"));
  });

  test("a batch that fails ends it with everything before saved; with the batch back it ends as it would have", async () => {
    await run("whole");
    const failing = async (number: number) => {
      if (number === 9) throw new Error("The image vanished.");
      return batch(number);
    };
    await expect(run("failed", { batch: failing })).rejects.toThrow("The image vanished.");
    expect((await readTensors(filesOf("failed").checkpoint)).metadata.step).toBe("8");
    await run("failed", { resume: true });
    expect(await checkpointOf("failed")).toEqual(await checkpointOf("whole"));
    expect(await logOf("failed")).toEqual(await logOf("whole"));
  });

  test("the log counts seconds over all sessions of a run", async () => {
    const stop = new AbortController();
    await run("timed", { signal: stop.signal, listener: (event) => event.kind === "step" && event.step === 6 && stop.abort() });
    const before = (await readMetrics(filesOf("timed").metrics)).at(-1)!.seconds;
    await run("timed", { resume: true });
    const seconds = (await readMetrics(filesOf("timed").metrics)).map((line) => line.seconds);
    expect(before).toBeGreaterThan(0);
    expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
    expect(seconds.at(-1)).toBeGreaterThan(before);
  });

  test("resuming a finished run runs no step and returns its network; without a checkpoint it starts anew", async () => {
    const first = await run("run", { resume: true });
    const steps: ProgressEvent[] = [];
    const before = await checkpointOf("run");
    const again = await run("run", { resume: true, listener: (event) => steps.push(event) });
    expect(steps).toEqual([]);
    expect(again).toEqual(first);
    expect(await checkpointOf("run")).toEqual(before);
  });

  test("without resume it starts anew over an old run", async () => {
    await run("run", { steps: 4 });
    const steps: number[] = [];
    await run("run", { listener: (event) => event.kind === "step" && steps.push(event.step) });
    expect(steps[0]).toBe(1);
    expect((await readMetrics(filesOf("run").metrics)).map((line) => line.step)).toEqual([1, 2, 4, 6, 8, 10, 12]);
  });

  test("refuses a checkpoint of something else, and leaves it as it was", async () => {
    await run("run");
    const before = await checkpointOf("run");
    await expect(run("run", { resume: true, digest: "other" })).rejects.toThrow(
      `The checkpoint in "${filesOf("run").folder}" belongs to other settings or other images.`,
    );
    expect(await checkpointOf("run")).toEqual(before);
  });

  test("stops when the loss is no number, and keeps the last good checkpoint", async () => {
    const poisoned = async (number: number): Promise<Values> => {
      const { image } = await batch(number);
      return { image: { ...image, data: (image.data as Float32Array).map((value) => (number < 7 ? value : Number.NaN)) } };
    };
    await expect(run("run", { batch: poisoned })).rejects.toThrow("The loss is NaN at step 7. A lower learning rate");
    const { tensors, metadata } = await readTensors(filesOf("run").checkpoint);
    expect(metadata.step).toBe("5");
    for (const { data } of tensors.values()) expect([...data].every((value) => Number.isFinite(value))).toBe(true);

    const diverging = trainingStep({
      batch: { image: shape },
      objective: (p, { image }) => ({ loss: mul(weightedMean(l2(image, conv(p, image, 1, 3, { padding: 1 }))), 1e20) }),
      optimiser: sgd(),
    });
    await expect(run("wild", { step: diverging, learningRate: constantRate(1e20) })).rejects.toThrow(
      /The (loss|gradient norm) is (Infinity|NaN)/,
    );
  });

  test("a batch that cannot be made rejects the training, at whichever step", async () => {
    for (const broken of [1, 2, 12]) {
      const failing = (number: number) => (number === broken ? Promise.reject(new Error(`no batch ${number}`)) : batch(number));
      await expect(run(`broken ${broken}`, { batch: failing })).rejects.toThrow(`no batch ${broken}`);
    }
  });

  test("a batch of another shape rejects the training with the sentence of the runtime", async () => {
    const image: Value = { data: new Float32Array(64), shape: [1, 1, 8, 8] };
    await expect(run("run", { batch: async () => ({ image }) })).rejects.toThrow(
      '"image" must have the shape [2, 1, 8, 8], but has [1, 1, 8, 8].',
    );
  });

  test("stopped before it began, it runs no step, saves nothing, and no failing batch is left unhandled", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);
    const failing = () => Promise.reject(new Error("no batch"));
    const { step: last, finished, network } = await run("run", { signal: AbortSignal.abort(), batch: failing });
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", note);
    expect({ last, finished, unhandled }).toEqual({ last: 0, finished: false, unhandled: [] });
    expect(network.get("first.weight")).toEqual(new Map(step.initialState()).get("first.weight"));
    await expect(checkpointOf("run")).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a step of three micro-batches, with averaged weights", () => {
  const inParts = trainingStep({ ...definition, accumulate: 3, average: { decay: 0.8 } });

  test("takes batches (s - 1) k + 1 ... s k, each asked for once and in order", async () => {
    const asked: number[] = [];
    const after: number[][] = [];
    const listener = (event: ProgressEvent) => event.kind === "step" && after.push([...asked]);
    const noted = (number: number) => {
      asked.push(number);
      return batch(number);
    };
    await run("run", { step: inParts, steps: 4, batch: noted, listener });
    expect(asked).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(after.map((numbers) => numbers.length)).toEqual([4, 7, 10, 12]); // one is prepared ahead
  });

  test("reports the mean loss of its micro-batches and the norm of their mean gradient", async () => {
    await run("run", { step: inParts, steps: 1 });
    const [line] = await readMetrics(filesOf("run").metrics);
    const alone: number[] = [];
    for (const number of [1, 2, 3]) {
      await run(`alone ${number}`, { steps: 1, batch: () => batch(number) });
      alone.push((await readMetrics(filesOf(`alone ${number}`).metrics))[0].loss);
    }
    expect(line.loss).toBeCloseTo((alone[0] + alone[1] + alone[2]) / 3, 6);
    expect(new Set(alone).size).toBe(3);
    expect(Object.keys(line).sort()).toEqual(["gradient_norm", "learning_rate", "loss", "seconds", "step"]);
  });

  test("returns the averages as the network", async () => {
    const { network } = await run("run", { step: inParts });
    const { tensors } = await readTensors(filesOf("run").checkpoint);
    expect([...network.keys()].sort()).toEqual([...step.networkState].sort());
    for (const [name, value] of network) {
      expect(value).toEqual(tensors.get(`average.${name}`));
      expect(value).not.toEqual(tensors.get(name));
    }
  });

  test("resumed from a checkpoint it ends bit by bit where an undisturbed run ends", async () => {
    const whole = await run("whole", { step: inParts });
    for (const stopAt of [1, 5, 11]) {
      const name = `stopped at ${stopAt}`;
      const stop = new AbortController();
      const listener = (event: ProgressEvent) => event.kind === "step" && event.step === stopAt && stop.abort();
      await run(name, { step: inParts, listener, signal: stop.signal });
      const asked: number[] = [];
      const noted = (number: number) => {
        asked.push(number);
        return batch(number);
      };
      const rest = await run(name, { step: inParts, resume: true, batch: noted });
      expect(asked[0]).toBe(3 * stopAt + 1);
      expect(rest.network).toEqual(whole.network);
      expect(await checkpointOf(name)).toEqual(await checkpointOf("whole"));
      expect(await logOf(name)).toEqual(await logOf("whole"));
    }
  });

  test("a crash among the micro-batches of a step repeats that step from the last checkpoint", async () => {
    await run("whole", { step: inParts });
    const failing = (number: number) => (number === 3 * 7 + 2 ? Promise.reject(new Error("crash")) : batch(number));
    await expect(run("crashed", { step: inParts, batch: failing })).rejects.toThrow("crash");
    expect((await readTensors(filesOf("crashed").checkpoint)).metadata.step).toBe("5");
    await run("crashed", { step: inParts, resume: true });
    expect(await checkpointOf("crashed")).toEqual(await checkpointOf("whole"));
    expect(await logOf("crashed")).toEqual(await logOf("whole"));
  });
});
