import { availableParallelism } from "node:os";
import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { nextName, type Program } from "../graph/index.ts";
import { withBlockedConvolutions } from "./blocked.ts";
import { onDevice } from "./device.ts";
import { openDeviceMemory } from "./device-memory.ts";
import { loadFailure, memoryFailure, outOfMemory, runFailure } from "./failures.ts";
import { requireKnownProvider, requireProvider } from "./provider.ts";
import {
  type LoadedProgram,
  type Runtime,
  RuntimeError,
  type RuntimeOptions,
  requireValue,
  type Value,
  type Values,
} from "./runtime.ts";
import { hostMemory, StateStore } from "./state.ts";
import { deviceTurns, openTurns } from "./turns.ts";

env.logLevel = "fatal"; // what goes wrong is thrown, not written to standard error

/**
 * A runtime in this thread: every run blocks it. Requests are carried out in order. `ready` tells whether the provider can be
 * used; by default that is tried here.
 * @throws RuntimeError when there is no such provider.
 */
export const openLocalRuntime = (
  { provider = "cpu", threads = availableParallelism() }: RuntimeOptions = {},
  ready?: Promise<void>,
): Runtime => {
  requireKnownProvider(provider);
  const state = new StateStore(provider === "webgpu" ? openDeviceMemory() : hostMemory);
  const inTurn = provider === "webgpu" ? deviceTurns : openTurns();
  const sessions: InferenceSession[] = [];
  let closed = false;

  const request = <Result>(work: () => Promise<Result>): Promise<Result> =>
    inTurn(async () => {
      if (closed) throw new RuntimeError("The runtime is closed.");
      await (ready ?? requireProvider(provider));
      return work().catch((error: unknown) => {
        throw outOfMemory(error) && !(error instanceof RuntimeError) ? memoryFailure(error) : error;
      });
    });

  const openSession = async ({ model, updates }: Program): Promise<InferenceSession> => {
    const chosen = provider === "cpu" && updates.length > 0 ? await withBlockedConvolutions(model) : model;
    return InferenceSession.create(chosen, {
      executionProviders: [provider === "webgpu" ? onDevice(model) : provider],
      intraOpNumThreads: threads,
      graphOptimizationLevel: "all",
      enableMemPattern: false, // planned memory comes on top of what the first run took: a third more, and no faster
      logSeverityLevel: 4,
    });
  };

  const load = async (program: Program): Promise<LoadedProgram> => {
    const session = await openSession(program).catch((error: unknown) => {
      throw loadFailure(error);
    });
    sessions.push(session);
    return { run: (feeds) => request(() => run(session, program, feeds)) };
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

    const outputs = await session.run(inputs, fetches).catch((error: unknown) => {
      throw runFailure(error, program, feeds);
    });
    for (const { name } of program.updates) {
      const output = outputs[nextName(name)];
      if (output !== state.next(name)) output.dispose(); // a second handle on the buffer that was written, which stays
      state.exchange(name);
    }
    return Object.fromEntries(program.results.map(({ name }) => [name, toValue(outputs[name])]));
  };

  return {
    load: (program) => request(() => load(program)),
    readState: (names) => request(() => state.read(names)),
    writeState: (values) => request(() => state.write(values)),
    close: () =>
      inTurn(async () => {
        closed = true;
        await state.close();
        for (const session of sessions.splice(0)) await session.release();
      }),
  };
};

const toValue = ({ data, dims }: OrtTensor): Value => ({ data: data as Float32Array, shape: dims });
