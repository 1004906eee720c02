import { fork } from "node:child_process";
import { createRequire } from "node:module";
import { RuntimeError } from "./runtime.ts";

/** Where programs run: the processor, or the graphics device through Vulkan, Metal or Direct3D 12. */
export const PROVIDERS = ["cpu", "webgpu"] as const;
export type Provider = (typeof PROVIDERS)[number];

/** @throws RuntimeError listing the providers when there is none of that name. */
export const requireKnownProvider = (name: string): void => {
  if ((PROVIDERS as readonly string[]).includes(name)) return;
  throw new RuntimeError(`There is no provider "${name}". Providers: ${PROVIDERS.join(", ")}.`);
};

/**
 * Makes sure that a provider can compute on this machine. It is tried once per thread, in a process of its own: the graphics
 * driver writes to standard error when it finds no device, and a broken one ends the process.
 * @throws RuntimeError saying what is missing and what to do instead.
 */
export const requireProvider = (provider: Provider): Promise<void> => {
  requireKnownProvider(provider);
  if (provider === "cpu") return Promise.resolve();
  attempt ??= tryDevice();
  return attempt;
};

let attempt: Promise<void> | undefined;

/** Longest wait for a driver, in milliseconds: the first start of one that compiles its shaders takes seconds. */
const PATIENCE = 30_000;

const tryDevice = async (): Promise<void> => {
  // Resolved through the package's exports, so that it is the compiled file also when the caller is TypeScript source.
  const file = createRequire(import.meta.url).resolve("lynceus/runtime/probe");
  const child = fork(file, { execArgv: [], stdio: ["ignore", "ignore", "ignore", "ipc"], timeout: PATIENCE });
  const problem = await new Promise<string>((resolve) => {
    child.once("message", (answer) => resolve(String(answer)));
    child.once("error", ({ message }) => resolve(`cannot be tried (${message})`));
    child.once("exit", (_, signal) =>
      resolve(signal === "SIGTERM" ? `gave no answer in ${PATIENCE / 1000} seconds` : "ended the process that tried it"),
    );
  });
  child.kill();
  if (problem === "") return;
  throw new RuntimeError(`The provider "webgpu" ${problem}. Use --provider cpu.`);
};
