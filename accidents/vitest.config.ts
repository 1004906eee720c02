import { defineConfig } from "vitest/config";

// Half an hour for one test: thousands of files, or dozens of trainings. One file at a time, so that memory and time are its own.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["**/*.test.ts"],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    pool: "forks",
    fileParallelism: false,
  },
});
