import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { requireKnownProvider, requireProvider } from "./provider.ts";
import { type Runtime, RuntimeError, type RuntimeOptions, type Value, type Values } from "./runtime.ts";
import { deviceTurns } from "./turns.ts";
import type { Reply, Request } from "./worker.ts";

/**
 * A runtime in a thread of its own, so that this one stays free to decode images, answer requests and draw progress
 * while a program runs. Requests are carried out in order; those to the graphics device wait for those of other runtimes as well.
 * @throws RuntimeError when there is no such provider; where it cannot be used on this machine, every request says so.
 */
export const openRuntime = (options: RuntimeOptions = {}): Runtime => {
  const { provider = "cpu" } = options;
  requireKnownProvider(provider);
  // Resolved through the package's exports, so that it is the compiled file also when the caller is TypeScript source.
  const file = createRequire(import.meta.url).resolve("lynceus/runtime/worker");
  // Without the flags that node was started with: some, such as --input-type, are refused by a worker.
  const worker = new Worker(file, { workerData: options, execArgv: [] });
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let count = 0;
  let ended: string | undefined;

  const end = (reason: string): void => {
    ended ??= reason;
    for (const { reject } of waiting.values()) reject(new RuntimeError(ended));
    waiting.clear();
  };
  worker.on("message", (reply: Reply) => {
    const request = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker.unref();
    if ("error" in reply) request?.reject(new RuntimeError(reply.error));
    else request?.resolve(reply.result);
  });
  worker.on("error", (error) => end(`The runtime's thread ended: ${error.message}`));
  worker.on("exit", () => end("The runtime is closed."));
  worker.unref();

  const send = <Result>(request: Request): Promise<Result> => {
    if (ended !== undefined) return Promise.reject(new RuntimeError(ended));
    worker.ref();
    const id = count++;
    return new Promise<Result>((resolve, reject) => {
      waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      worker.postMessage({ id, request });
    });
  };
  const ask = <Result>(request: Request): Promise<Result> =>
    provider === "cpu" ? send(request) : deviceTurns(() => requireProvider(provider).then(() => send<Result>(request)));

  return {
    load: async (program) => {
      const loaded = await ask<number>({ kind: "load", program });
      return { run: (feeds: Values) => ask<Values>({ kind: "run", program: loaded, feeds }) };
    },
    readState: (names) => ask<Map<string, Value>>({ kind: "read", names }),
    writeState: (values) => ask<void>({ kind: "write", values }),
    close: async () => {
      await ask({ kind: "close" }).catch(() => undefined);
      await worker.terminate();
    },
  };
};
