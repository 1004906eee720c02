import { join, resolve } from "node:path";
import { expect, test, vi } from "vitest";
import { command, commandName, formatMeasures, progress } from "./output.ts";

test("commands are shown as a user can type them", () => {
  expect(commandName({}, "/usr/bin/lynceus")).toBe("lynceus");
  expect(commandName({ npm_lifecycle_event: "demo" }, "dist/cli/main.js")).toBe("npx lynceus");
  expect(commandName({}, resolve("dist/cli/main.js"))).toBe(`node ${join("dist", "cli", "main.js")}`);
  expect(command("predict", "runs/a run", "IMAGE...")).toMatch(/ predict "runs\/a run" IMAGE\.\.\.$/);
});

test("without a terminal progress is a line every 15 seconds at most, and warnings at once", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const lines: string[] = [];
    const stream = { write: (text: string) => lines.push(text) > 0 } as unknown as NodeJS.WriteStream;
    const listener = progress(stream);
    for (let step = 1; step <= 40; step++) {
      vi.advanceTimersByTime(1000);
      listener({ kind: "step", step, total: 40, loss: 1, learningRate: 1, secondsLeft: 40 - step });
    }
    listener({ kind: "warning", text: "Mind the gap." });
    vi.advanceTimersByTime(10_000);
    listener({ kind: "count", text: "evaluating", done: 3, total: 9 });
    listener.end();
    expect(lines).toEqual([
      "step 15 of 40, 25 s left\n",
      "step 30 of 40, 10 s left\n",
      expect.stringContaining("Mind the gap.\n"),
      "evaluating: 3 of 9\n",
    ]);
  } finally {
    vi.useRealTimers();
  }
});

test("measures are written with their interval where they have one, numbers of things whole", () => {
  expect(
    formatMeasures([
      { name: "kappa", value: 0.5, low: 0.25, high: 0.75 },
      { name: "share", value: 0.5 },
      { name: "slides", value: 2, count: true },
    ])
      .split("\n")
      .map((line) => line.trim().replace(/ +/g, " ")),
  ).toEqual(["kappa 0.500 [0.250, 0.750]", "share 0.500", "slides 2"]);
});
