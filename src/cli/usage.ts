import type { Provider } from "../runtime/index.ts";

/** The command was called wrongly: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Ctrl-C, or the system asking the process to end: what was done is saved. Exit code 130. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

export interface CommonOptions {
  readonly threads?: number;
  readonly workers?: number;
  readonly provider?: Provider;
  readonly json?: boolean;
}
