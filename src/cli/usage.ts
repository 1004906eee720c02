import type { Provider } from "../runtime/index.ts";

/** The command was called wrongly: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

export interface CommonOptions {
  readonly threads?: number;
  readonly provider?: Provider;
  readonly json?: boolean;
}
