// Checks that imports only run down the floors of the house (see ARCHITECTURE.md).
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** Rooms from the ground up; a room may import from rooms on lower floors only, never from its neighbours. */
const floors = [
  ["random", "files", "graph"],
  ["runtime"],
  ["nn", "imaging", "metrics"],
  ["training", "report"],
  ["detection"],
  ["systems"],
  ["cli"],
];
const floorOf = new Map(floors.flatMap((rooms, floor) => rooms.map((room) => [room, floor])));
const source = resolve("src");

const sourceFiles = readdirSync(source, { recursive: true })
  .map(String)
  // A test, and what only tests use, may reach up for what runs its subject.
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.split(sep).includes("testing"));

const problems = [];
for (const file of sourceFiles) {
  const [room, system] = file.split(sep);
  if (room.endsWith(".ts")) continue; // src/index.ts re-exports the rooms
  if (!floorOf.has(room)) problems.push(`src/${file}: the room "${room}" is on no floor; add it to scripts/check-layers.mjs.`);
  const text = readFileSync(join(source, file), "utf8");
  for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]*)"/g)) {
    const [targetRoom, targetSystem] = relative(source, resolve(source, dirname(file), target)).split(sep);
    if (targetRoom === room) {
      const crossesSystems =
        room === "systems" && targetSystem !== system && system.includes(".") === false && targetSystem.includes(".") === false;
      if (crossesSystems) problems.push(`src/${file}: the system "${system}" imports its neighbour "${targetSystem}".`);
    } else if (!(floorOf.get(targetRoom) < floorOf.get(room))) {
      problems.push(`src/${file}: "${room}" may not import "${target}"; imports only run down the floors.`);
    }
  }
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`Imports of ${sourceFiles.length} files run down the floors.`);
