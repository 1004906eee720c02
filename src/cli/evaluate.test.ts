import { expect, test } from "vitest";
import { evaluate } from "./evaluate.ts";
import { UsageError } from "./usage.ts";

test.each([
  [{ ablation: true, steps: 10, minutes: 1 }, "--steps or --minutes, not both"],
  [{ ablation: true, minutes: 0 }, "--minutes must be more than 0"],
  [{ ablation: true, minutes: -1 }, "--minutes must be more than 0"],
])("wrong use is refused before anything is read: %j", async (options, message) => {
  const refused = evaluate("no-such-run", options);
  await expect(refused).rejects.toThrow(message);
  await expect(refused).rejects.toBeInstanceOf(UsageError);
});
