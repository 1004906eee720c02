import { availableParallelism } from "node:os";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { nextName, type Program } from "../graph/index.ts";
import {
  type LoadedProgram,
  type Runtime,
  RuntimeError,
  type RuntimeOptions,
  requireValue,
  type Value,
  type Values,
} from "./runtime.ts";
import { StateStore } from "./state.ts";

/** A runtime in this thread: every run blocks it. */
export const openLocalRuntime = ({ provider = "cpu", threads = availableParallelism() }: RuntimeOptions = {}): Runtime => {
  const state = new StateStore();
  const sessions: InferenceSession[] = [];

  const load = async (program: Program): Promise<LoadedProgram> => {
    const session = await InferenceSession.create(program.model, {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      graphOptimizationLevel: "all",
      logSeverityLevel: 4,
    }).catch((error: Error) => {
      throw new RuntimeError(`The program cannot be loaded: ${firstLine(error)}`);
    });
    sessions.push(session);
    return { run: (feeds) => run(session, program, feeds) };
  };

  const run = async (session: InferenceSession, program: Program, feeds: Values): Promise<Values> => {
    const inputs: Record<string, OrtTensor> = {};
    for (const spec of program.feeds) {
      const { data, shape } = requireValue(spec, feeds[spec.name]);
      inputs[spec.name] = new OrtTensor(spec.type, data as Float32Array, shape as number[]);
    }
    for (const spec of program.state) inputs[spec.name] = state.current(spec);
    const fetches: Record<string, OrtTensor | null> = {};
    for (const { name } of program.updates) fetches[nextName(name)] = state.next(name);
    for (const { name } of program.results) fetches[name] = null;

    const outputs = await session.run(inputs, fetches).catch((error: Error) => {
      throw new RuntimeError(`The program failed: ${firstLine(error)}`);
    });
    for (const { name } of program.updates) state.exchange(name);
    return Object.fromEntries(program.results.map(({ name }) => [name, toValue(outputs[name])]));
  };

  return {
    load,
    readState: async (names) => state.read(names),
    writeState: async (values) => state.write(values),
    close: async () => {
      await Promise.all(sessions.splice(0).map((session) => session.release()));
    },
  };
};

const toValue = ({ data, dims }: OrtTensor): Value => ({ data: data as Float32Array, shape: dims });

const firstLine = (error: unknown): string => String((error as Error)?.message ?? error).split("\n")[0];
