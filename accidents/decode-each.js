// Decodes the files named on standard input, a JSON array of paths, one after another in this process, and prints a JSON array of
// what became of each: { path, finished, reason, seconds, megabytes }. Megabytes are the most memory resident meanwhile, less
// what was resident before (Linux; the kernel's high-water mark is set back before every file).
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { decodeImage } from "lynceus/imaging";

const resident = (field) =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;

const results = [];
for (const path of JSON.parse(await text(process.stdin))) {
  writeFileSync("/proc/self/clear_refs", "5");
  const before = resident("VmRSS");
  const started = performance.now();
  const reason = await decodeImage(path).then(
    () => undefined,
    (error) => error.message,
  );
  const seconds = (performance.now() - started) / 1000;
  results.push({ path, finished: reason === undefined, reason, seconds, megabytes: resident("VmHWM") - before });
}
console.log(JSON.stringify(results));
