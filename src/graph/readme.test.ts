import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("the README's example trains", () => {
  const [, example] = /```js\n([\s\S]*?)```/.exec(readFileSync(new URL("README.md", import.meta.url), "utf8"))!;
  // Inside the package, so that it imports the package by its name, as its reader does.
  const folder = mkdtempSync(fileURLToPath(new URL("../../dist/readme-", import.meta.url)));
  try {
    writeFileSync(join(folder, "fit.mjs"), example);
    const lines = execFileSync(process.execPath, [join(folder, "fit.mjs")], { encoding: "utf8" })
      .trim()
      .split("\n");
    const losses = lines.map((line) => Number(line.split(" ")[1]));
    expect(losses).toHaveLength(6);
    expect(losses[0]).toBeGreaterThan(0.5);
    expect(losses[5]).toBeLessThan(0.006);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
