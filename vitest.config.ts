import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Tests of WebGPU need a Vulkan driver from the start of their process: the one of VK_ICD_FILENAMES, or else the software driver
// that Debian's chromium brings, with its loader. Without one they are skipped, and say so.
const chromium = "/usr/lib/chromium";
const driver = join(chromium, "vk_swiftshader_icd.json");
if (process.env.VK_ICD_FILENAMES === undefined && existsSync(driver)) {
  process.env.VK_ICD_FILENAMES = driver;
  process.env.LD_LIBRARY_PATH = [process.env.LD_LIBRARY_PATH, chromium].filter(Boolean).join(":");
}

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "bench/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    pool: "forks",
    // Of two cores Vitest would leave one idle while a test reads files or compiles.
    maxWorkers: availableParallelism(),
  },
});
