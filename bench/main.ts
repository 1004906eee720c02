// Compares training steps, prediction and memory with PyTorch, alternating in one run. What and how: README.md.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Side, start } from "./side.ts";
import { workloads } from "./workloads.ts";

const THREADS = "2";
const hasAvx512 = /avx512f/.test(readFileSync("/proc/cpuinfo", "utf8"));
/** Debian's OpenBLAS does not know new processors; told the core, it is several times faster. */
const PEER_AT_ITS_BEST = {
  OPENBLAS_CORETYPE: hasAvx512 ? "SkylakeX" : "Haswell",
  OPENBLAS_NUM_THREADS: THREADS,
  OMP_NUM_THREADS: THREADS,
};

interface Comparison {
  /** Median over rounds of ours / theirs. */
  readonly ratio: number;
  /** Median seconds of each side; theirs is NaN without a peer. */
  readonly ours: number;
  readonly theirs: number;
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Times both sides in turns; the order changes from round to round, so that a slow moment of the machine hits both. */
const compare = async (ours: Side, theirs: Side | undefined, request: string, rounds: number): Promise<Comparison> => {
  const sides = theirs ? [ours, theirs] : [ours];
  const seconds = async (side: Side): Promise<number> => median(await side.ask<number[]>(request));
  for (const side of sides) await seconds(side); // warm up
  const timed = new Map<Side, number[]>(sides.map((side) => [side, []]));
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) timed.get(side)!.push(await seconds(side));
  }
  const own = timed.get(ours)!;
  const peer = theirs ? timed.get(theirs)! : own.map(() => Number.NaN);
  return { ratio: median(own.map((value, round) => value / peer[round])), ours: median(own), theirs: median(peer) };
};

const measure = async (name: string, python: string | undefined, rounds: number) => {
  const ours = await start(process.execPath, [fileURLToPath(new URL("ours.js", import.meta.url)), name, THREADS]);
  const peerFile = fileURLToPath(new URL("../../peer.py", import.meta.url));
  const theirs = python === undefined ? undefined : await start(python, [peerFile, name, THREADS], PEER_AT_ITS_BEST);
  try {
    const weights = { ours: await ours.ask<number>("weights"), theirs: await theirs?.ask<number>("weights") };
    if (theirs !== undefined && weights.ours !== weights.theirs) {
      throw new Error(`"${name}" is not the same network on both sides: it has ${weights.ours} and ${weights.theirs} weights.`);
    }
    const step = await compare(ours, theirs, "train 5", rounds);
    const memory = { ours: await ours.ask<number>("peak"), theirs: (await theirs?.ask<number>("peak")) ?? Number.NaN };
    const predict = await compare(ours, theirs, "predict 5", rounds);
    return { name, step, predict, memory: { ...memory, ratio: memory.ours / memory.theirs } };
  } finally {
    for (const side of [ours, theirs]) side?.stop();
  }
};

const USAGE = `npm run bench -- [--rounds N] [--only ${Object.keys(workloads).join()}] [--json]`;

const settings = () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "9" },
      only: { type: "string", default: Object.keys(workloads).join() },
      json: { type: "boolean", default: false },
    },
  });
  const [names, rounds] = [values.only.split(","), Number(values.rounds)];
  const unknown = names.find((name) => !(name in workloads));
  if (unknown !== undefined) throw new Error(`There is no workload "${unknown}".`);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`"${values.rounds}" is not a number of rounds.`);
  return { names, rounds, json: values.json };
};

const main = async (): Promise<void> => {
  const { names, rounds, json } = settings();
  const python = process.env.PYTHON ?? "/usr/bin/python3";
  const hasPeer = spawnSync(python, ["-c", "import torch"]).status === 0;
  if (!hasPeer) console.log(`There is no PyTorch for ${python} (Debian: apt install python3-torch): our figures stand alone.`);
  const cell = ({ ratio, ours, theirs }: Comparison, unit: string, scale: number): string => {
    const own = (ours * scale).toFixed(0);
    return (hasPeer ? `${ratio.toFixed(2)} (${own} / ${(theirs * scale).toFixed(0)} ${unit})` : `${own} ${unit}`).padEnd(24);
  };
  const results = [];
  console.log(`${(hasPeer ? "ours / PyTorch's" : "ours").padEnd(26)}${"step".padEnd(24)}${"prediction".padEnd(24)}peak memory`);
  for (const name of names) {
    const { step, predict, memory } = await measure(name, hasPeer ? python : undefined, rounds);
    console.log(`${name.padEnd(26)}${cell(step, "ms", 1e3)}${cell(predict, "ms", 1e3)}${cell(memory, "MB", 1e-6)}`);
    results.push({ name, stepRatio: step.ratio, predictRatio: predict.ratio, memoryRatio: memory.ratio });
  }
  if (json) console.log(JSON.stringify(results));
};

await main().catch(({ message }: Error) => {
  console.error(`${message}\n${USAGE}`);
  process.exitCode = 1;
});
