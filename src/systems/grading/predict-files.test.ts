import { expect, test } from "vitest";
import { stemsOf } from "./predict-files.ts";

test("results of slides with equal names do not meet, and a slide given twice is one", () => {
  expect([...stemsOf(["a/1.svs", "b/1.tiff", "b/1.ome.tif", "1-2.svs", "a/1.svs", "C/X.png", "x.jpg"]).values()]).toEqual([
    "1",
    "1-2",
    "1-3",
    "1-2-2",
    "X",
    "x-2",
  ]);
});
