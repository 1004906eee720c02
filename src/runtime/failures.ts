import type { Program } from "../graph/index.ts";
import { RuntimeError, type Values } from "./runtime.ts";

/** The error of a program that cannot be loaded, from what ONNX Runtime says: what is wrong, where, and what to do. */
export const loadFailure = (error: unknown): RuntimeError => {
  const message = firstLine(error);
  if (outOfMemory(error)) return memoryFailure(error);
  const unknown = /No Op registered for (\S+)|Fatal error: (\S+?)\(-?\d+\) is not a registered|implementation for (\S+?)\(/.exec(
    message,
  );
  const operator = unknown && (unknown[1] ?? unknown[2] ?? unknown[3]);
  const tooNew = /Current official support for domain \S+ is till opset (\d+)|max supported IR version: (\d+)/.exec(message);
  const reason = operator
    ? `this ONNX Runtime does not know its operator "${operator}". Write the model with other operators, or install a newer onnxruntime-node`
    : tooNew
      ? `it is written in a newer version of ONNX than this ONNX Runtime reads (${tooNew[1] ? `opset ${tooNew[1]}` : `IR version ${tooNew[2]}`}). Write it in an older one, or install a newer onnxruntime-node`
      : withoutPeriod(message);
  return new RuntimeError(`The program cannot be loaded: ${reason}.`);
};

/** The error of a run that failed, from what ONNX Runtime says: what is wrong, where, and what to do. */
export const runFailure = (error: unknown, { feeds }: Program, values: Values): RuntimeError => {
  if (outOfMemory(error)) return memoryFailure(error);
  const { node, detail } = parts(error);
  if (!/shape|dimension|broadcast|rank/i.test(detail)) return new RuntimeError(`The program failed${node}: ${detail}.`);
  const open = feeds.filter(({ shape }) => shape.some((size) => typeof size === "string"));
  const fed = open.map(({ name }) => `"${name}" [${values[name].shape.join(", ")}]`).join(", ");
  const advice = fed === "" ? "" : ` Feed other sizes than ${fed}.`;
  return new RuntimeError(`The program failed: sizes do not fit${node}: ${detail}.${advice}`);
};

/** The error of state or a program that does not fit into memory. */
export const memoryFailure = (error: unknown): RuntimeError => {
  const bytes = /(?:buffer of size|Buffer size \()\s*(\d+)/.exec(messageOf(error));
  const amount = bytes === null ? "" : `: one tensor asked for ${(Number(bytes[1]) / 1e9).toFixed(1)} GB`;
  return new RuntimeError(
    `The memory does not suffice${parts(error).node}${amount}. Use smaller images, fewer of them at once, or a smaller network.`,
  );
};

/** Whether memory was short: of the process, of the graphics device, or of what one of its buffers may hold. */
export const outOfMemory = (error: unknown): boolean =>
  /Failed to allocate memory|bad_alloc|out.of.(device.|host.)?memory|Available memory|Array buffer allocation|Invalid typed array length|max buffer size|Allocation size too large|Too many storage buffers|Invalid Buffer/i.test(
    messageOf(error),
  );

/** The node that failed, as ` in Add "Add_1"` where it is named, and what is wrong with it, without places in native code. */
const parts = (error: unknown): { node: string; detail: string } => {
  const message = firstLine(error);
  const failed = /while running (\S+) node\. Name:'([^']*)' Status Message: (.*)/.exec(message);
  const detail = (failed?.[3] ?? message)
    .replace(/^\S+:\d+ .*? was false\. /, "")
    .replace(/^\/\S+:\d+ .*?\) /, "")
    .replace(/^\S+\.(?:cc|h):\d+ \S+ /, "");
  return { node: failed ? ` in ${failed[1]} "${failed[2]}"` : "", detail: withoutPeriod(detail) };
};

const messageOf = (error: unknown): string => String((error as Error)?.message ?? error);
const firstLine = (error: unknown): string => messageOf(error).split("\n")[0];
const withoutPeriod = (text: string): string => text.trim().replace(/\.$/, "");
