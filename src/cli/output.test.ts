import { expect, test } from "vitest";
import { commandName } from "./output.ts";

test("commands are shown as a user can type them", () => {
  expect(commandName({})).toBe("lynceus");
  expect(commandName({ npm_lifecycle_event: "demo" })).toBe("npx lynceus");
});
