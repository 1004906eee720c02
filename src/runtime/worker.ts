import { parentPort, workerData } from "node:worker_threads";
import type { Program } from "../graph/index.ts";
import { openLocalRuntime } from "./local.ts";
import type { LoadedProgram, RuntimeOptions, Value, Values } from "./runtime.ts";

/** What the thread that opened a runtime may ask of its worker. */
export type Request =
  | { readonly kind: "load"; readonly program: Program }
  | { readonly kind: "run"; readonly program: number; readonly feeds: Values }
  | { readonly kind: "read"; readonly names: readonly string[] | undefined }
  | { readonly kind: "write"; readonly values: ReadonlyMap<string, Value> }
  | { readonly kind: "close" };

export type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

if (parentPort) {
  const port = parentPort;
  const runtime = openLocalRuntime(workerData as RuntimeOptions, Promise.resolve()); // the thread that asks has tried the provider
  const programs: LoadedProgram[] = [];

  const answer = async (request: Request): Promise<unknown> => {
    switch (request.kind) {
      case "load":
        return programs.push(await runtime.load(request.program)) - 1;
      case "run":
        return programs[request.program].run(request.feeds);
      case "read":
        return runtime.readState(request.names);
      case "write":
        return runtime.writeState(request.values);
      case "close":
        return runtime.close();
    }
  };

  // One request at a time, in the order they came.
  let last: Promise<void> = Promise.resolve();
  port.on("message", ({ id, request }: { id: number; request: Request }) => {
    last = last.then(async () => {
      try {
        port.postMessage({ id, result: await answer(request) } satisfies Reply);
      } catch (error) {
        port.postMessage({ id, error: (error as Error).message } satisfies Reply);
      }
    });
  });
}
