// Compiles src/ to dist/, from an empty dist/ so that a deleted source leaves nothing behind, and joins the command's modules to
// few files: Node takes about a millisecond to load each of hundreds.
import { execFileSync } from "node:child_process";
import { chmodSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";

rmSync("dist", { recursive: true, force: true });
const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
execFileSync(process.execPath, [join(typescript, "bin", "tsc"), "-p", "tsconfig.build.json"], { stdio: "inherit" });

const command = await rolldown({
  input: { main: "dist/cli/main.js" },
  platform: "node",
  external: ["sharp", "onnxruntime-node"], // native code
});
// Written beside the modules first, since it is made of them.
await command.write({ dir: "dist/command", format: "esm", sourcemap: true });
await command.close();
rmSync("dist/cli", { recursive: true });
renameSync("dist/command", "dist/cli");
chmodSync("dist/cli/main.js", 0o755);
