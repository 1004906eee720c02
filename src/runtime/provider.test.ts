import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openLocalRuntime, openRuntime, type Provider, requireProvider } from "./index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const absent =
  'The provider "webgpu" found no graphics device on this machine (it needs a Vulkan, Metal or Direct3D 12 driver). Use --provider cpu.';

test("an unknown provider is refused with the list of those there are", () => {
  const unknown = "metal" as Provider;
  for (const open of [openLocalRuntime, openRuntime, (options: { provider: Provider }) => requireProvider(options.provider)]) {
    expect(() => open({ provider: unknown })).toThrow('There is no provider "metal". Providers: cpu, webgpu.');
  }
});

/** A script in a process that finds no Vulkan driver, whatever the machine has. */
const withoutDriver = (script: string) =>
  promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    cwd: root,
    timeout: 30_000,
    env: { ...process.env, VK_ICD_FILENAMES: "/nowhere.json", VK_DRIVER_FILES: "/nowhere.json" },
  });

describe.runIf(process.platform === "linux")("where there is no graphics device", () => {
  test("every request for it is answered with one sentence, and nothing is written to standard error", async () => {
    const { stdout, stderr } = await withoutDriver(`
      import { openLocalRuntime, openRuntime, requireProvider } from "lynceus/runtime";
      const say = (error) => console.log(error.constructor.name + ": " + error.message);
      for (const open of [openLocalRuntime, openRuntime]) {
        const runtime = open({ provider: "webgpu" });
        await runtime.readState().catch(say);
        await runtime.close();
      }
      await requireProvider("webgpu").catch(say);
      await requireProvider("cpu");
      console.log("end");
    `);
    expect(stdout.trim().split("\n")).toEqual([...Array(3).fill(`RuntimeError: ${absent}`), "end"]);
    expect(stderr).toBe("");
  });

  test("the processor is used as ever", async () => {
    const { stdout, stderr } = await withoutDriver(`
      import { openRuntime } from "lynceus/runtime";
      const runtime = openRuntime({ provider: "cpu" });
      await runtime.writeState(new Map([["a", { data: Float32Array.of(1), shape: [1] }]]));
      console.log((await runtime.readState()).get("a").data[0]);
    `);
    expect([stdout, stderr]).toEqual(["1\n", ""]);
  });
});
