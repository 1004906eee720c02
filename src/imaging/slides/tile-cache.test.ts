import { expect, test } from "vitest";
import { tileCache } from "./tile-cache.ts";

const made = (bytes: number) => ({ status: "fulfilled", value: new Uint8Array(bytes) }) as const;
const options = { keyOf: (place: string) => place, bytesOf: (tile: Uint8Array) => tile.length };

test("what is used last stays within the limit; the rest is made again", async () => {
  const asked: string[] = [];
  const cache = tileCache({ ...options, limit: 30, together: 1, parallel: 2 });
  const get = (place: string, bytes = 10) =>
    Promise.all(
      cache.get([place], async (places) => {
        asked.push(...places);
        return [made(bytes)];
      }),
    );
  for (const place of ["a", "b", "c", "a", "d", "a", "b"]) await get(place);
  expect(asked.join("")).toBe("abcdb"); // d pushed b out, not a, which was used since
  await get("large", 31);
  await get("large", 31);
  expect(asked.join("")).toBe("abcdblargelarge");
});

test("tiles are made once for all who ask meanwhile, some together, a few times in parallel", async () => {
  let [running, most] = [0, 0];
  const groups: number[] = [];
  const cache = tileCache({ ...options, limit: 1000, together: 4, parallel: 3 });
  const make = async (places: readonly string[]) => {
    most = Math.max(most, ++running);
    groups.push(places.length);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running--;
    return places.map(() => made(1));
  };
  const names = Array.from({ length: 17 }, (_, i) => `${i}`);
  const [first, second] = await Promise.all([names, names].map((asked) => Promise.all(cache.get(asked, make))));
  expect([most, groups]).toEqual([3, [3, 4, 3, 4, 3]]);
  expect(second.every((tile, i) => tile === first[i])).toBe(true);
});

test("a failure is that of one tile, and not kept", async () => {
  const cache = tileCache({ ...options, limit: 1000, together: 4, parallel: 1 });
  const reason = new Error("damaged");
  const results = await Promise.allSettled(cache.get(["a", "b"], async () => [made(1), { status: "rejected", reason }]));
  expect(results).toEqual([made(1), { status: "rejected", reason }]);
  expect(await Promise.all(cache.get(["a", "b"], async (places) => places.map(() => made(2))))).toEqual([
    new Uint8Array(1),
    new Uint8Array(2),
  ]);
});
