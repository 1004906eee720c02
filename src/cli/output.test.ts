import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { command, commandName } from "./output.ts";

test("commands are shown as a user can type them", () => {
  expect(commandName({}, "/usr/bin/lynceus")).toBe("lynceus");
  expect(commandName({ npm_lifecycle_event: "demo" }, "dist/cli/main.js")).toBe("npx lynceus");
  expect(commandName({}, resolve("dist/cli/main.js"))).toBe(`node ${join("dist", "cli", "main.js")}`);
  expect(command("predict", "runs/a run", "IMAGE...")).toMatch(/ predict "runs\/a run" IMAGE\.\.\.$/);
});
