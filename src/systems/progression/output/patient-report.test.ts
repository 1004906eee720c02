import { parse } from "csv-parse/sync";
import { beforeAll, expect, test } from "vitest";
import { renderReport } from "../../../report/index.ts";
import { vesselFeatures } from "../measurement/index.ts";
import type { PatientResult } from "../result.ts";
import { patientCsv } from "./patient-csv.ts";
import { patientJson } from "./patient-json.ts";
import { patientReport } from "./patient-report.ts";
import { dicomSegments } from "./segments.ts";
import { lesionStage, prediction, tubeStage, vesselResult } from "./testing/patients.ts";
import { shownNumber, shownUnit, targetTitle, withUnit } from "./wording.ts";

const tables = ({ comparisons = [] }: Awaited<ReturnType<typeof patientReport>>) =>
  Object.fromEntries(comparisons.map((table) => [table.title, table]));

let vessel: PatientResult;
beforeAll(() => {
  vessel = vesselResult("V1", [tubeStage(5, "V1, stage 1"), tubeStage(6, "V1, stage 2")], 2);
});

test("two stages are compared; what is undefined is said, and no number is infinite or missing", async () => {
  const report = await patientReport(vessel);
  const { "Measurements and change": measured, "Change predicted from stage 1": predicted } = tables(report);
  const { first, second, changes } = vessel.comparison!;
  const row = (name: string) => measured.rows.find((own) => own.name.startsWith(name))?.cells;
  expect(measured.rows).toHaveLength(vesselFeatures.length);
  const wall = changes.wall_thickness_mean;
  expect(row("Mean wall thickness, mm")).toEqual([
    ...[first.wall_thickness_mean, second.wall_thickness_mean, wall.absolute, 100 * wall.relative!],
  ]);
  expect(row("Lipid core volume, mm³")).toEqual([0, 0, 0, "not defined"]);
  expect(row("Minimum cap thickness, mm")).toEqual(Array(4).fill("not defined"));
  expect(predicted.rows.map(({ name, cells }) => [name, cells[0], cells[2], cells[3]])).toEqual([
    ["Mean wall thickness, mm per year", { value: 0.061, low: 0.012, high: 0.11 }, "progression", wall.absolute],
    ["Stenosis by area, % per year", { value: 1.2, low: -2.1, high: 4.5 }, "uncertain", changes.stenosis_area.absolute],
    ["Lipid core volume, mm³ per year", "3.40, not bounded", "uncertain", 0],
    ["Minimum cap thickness, mm per year", { value: -0.04, low: -0.07, high: -0.01 }, "progression", "not defined"],
  ]);
  expect(predicted.note).toContain("glucose, heart rate");
  expect(report.measures?.find(({ name }) => name === "Minimum cap thickness")?.text).toBe("not defined");
  expect(report.notices?.filter(({ tone }) => tone === "caution").map(({ text }) => text)).toEqual([
    expect.stringContaining("research use only"),
    ...vessel.warnings,
    ...prediction.warnings,
  ]);
  // The first slice of either stage is as far from the bifurcation as the other's.
  const [group] = report.caseGroups!;
  expect(group.cases.map(({ pictures }) => pictures.length)).toEqual([2, 2, 2, 2, 2, 2]);
  expect(group.cases[0].name).toMatch(/^[\d.]+ mm before the bifurcation$/);
  expect(group.legend?.map(({ name }) => name)).toEqual(vessel.classes.slice(1));
  const page = renderReport(report);
  expect(page.match(/data:image\/png/g)).toHaveLength(12);
  expect(page.replaceAll(/base64,[^"]*/g, "")).not.toMatch(/NaN|Infinity|undefined/);
});

test("stages that cannot be compared stand side by side, and one stage alone shows its slices with and without outlines", async () => {
  const apart = await patientReport({ ...vessel, comparison: undefined, prediction: undefined });
  expect(tables(apart).Measurements.columns.map(({ name }) => name)).toEqual(["Stage 1", "Stage 2"]);
  expect(apart.caseGroups?.[0].cases.map(({ label }) => label)).toEqual(["Stage 1", "Stage 2"]);
  expect(tables(apart)["Change predicted from stage 1"]).toBeUndefined();

  const alone = await patientReport({ ...vessel, comparison: undefined, stages: vessel.stages.slice(0, 1) });
  expect(tables(alone)["Change predicted from stage 1"].columns.map(({ name }) => name)).not.toContain("Measured");
  expect(alone.caseGroups?.[0].cases[0].pictures.map(({ caption }) => caption)).toEqual(["outlines", "image"]);
  expect(alone.measures?.[0].note).toBeUndefined();
});

test("classes that are no vessel's have volumes and pictures, and nothing is measured", async () => {
  const result: PatientResult = {
    name: "B1",
    classes: ["background", "lesion"],
    stages: [lesionStage(6, "B1, stage 1"), lesionStage(8, "B1, stage 2")],
    ...{ unusable: [], warnings: [] },
    origin: { lynceus: "1.2.3" },
  };
  const report = await patientReport(result);
  // Voxels of 1 x 1 x 3 mm: 2 slices of 36 and of 64.
  expect(report.measures).toEqual([
    { name: "lesion", value: expect.closeTo(0.384, 9), text: "0.384", unit: "ml", note: "at stage 2; at stage 1 0.216" },
  ]);
  expect(Object.keys(tables(report))).toEqual(["Volumes"]);
  expect(report.caseGroups?.[0].cases).toHaveLength(2);
  const said = patientJson(result);
  expect(said.stages[1]).toMatchObject({ measurements: null, volumes: [{ name: "lesion", voxels: 128 }] });
  expect([said.comparison, said.prediction]).toEqual([null, null]);
  const rows: Record<string, string>[] = parse(patientCsv(result), { columns: true });
  expect(rows.map(({ kind, stage, feature, unit }) => [kind, stage, feature, unit])).toEqual([
    ["volume", "1", "lesion", "ml"],
    ["volume", "2", "lesion", "ml"],
  ]);
  expect(Number(rows[1].value)).toBeCloseTo(0.384, 9);
  expect(tables(report).Volumes.columns.at(-1)?.name).toBe("Difference, ml");

  const timed = { ...result, years: 2 };
  expect(tables(await patientReport(timed)).Volumes.rows[0].cells.slice(2)).toEqual([
    expect.closeTo(0.084, 9),
    expect.closeTo(100 * (0.084 / 0.216), 6),
  ]);
  expect(patientJson(timed).volumeChanges[0].change?.relative).toBeCloseTo(0.084 / 0.216, 9);
  expect(patientCsv(timed)).toContain("change,,lesion,ml/year,");
});

test("the table has a row for each number and an empty cell for what is undefined", () => {
  const rows: Record<string, string>[] = parse(patientCsv(vessel), { columns: true });
  const of = (kind: string) => rows.filter((row) => row.kind === kind);
  for (const kind of ["measured", "measured_on_common_coverage"]) expect(of(kind)).toHaveLength(2 * vesselFeatures.length);
  const thickening = of("change").find(({ feature }) => feature === "wall_thickness_mean");
  expect(thickening).toMatchObject({ unit: "mm/year", stage: "", call: "" });
  expect(Number(thickening?.value)).toBe(vessel.comparison?.changes.wall_thickness_mean.absolute);
  expect(of("relative_change").find(({ feature }) => feature === "lipid_core_volume")?.value).toBe("");
  expect(of("measured").filter(({ feature, value }) => feature === "cap_thickness_minimum" && value === "")).toHaveLength(2);
  expect(of("predicted_change")[2]).toMatchObject({ feature: "lipid_core_volume", low: "-4.2", high: "", coverage: "0.9" });
});

test("segments have codes of the standard where it has them, and names that fit", () => {
  const codes = dicomSegments(vessel.classes).map(({ label, type, anatomy }) => [label, type.scheme, type.value, anatomy?.value]);
  expect(codes).toEqual([
    [1, "SCT", "67170007", "69105007"],
    [2, "99LYNCEUS", "WALL", "69105007"],
    [3, "SCT", "237897009", "69105007"],
    [4, "DCM", "122395", "69105007"],
    [5, "SCT", "50960005", "69105007"],
    [6, "99LYNCEUS", "FIBROUS CAP", "69105007"],
  ]);
  const [other] = dicomSegments(["background", `a\\b\n${"long ".repeat(20)}`]);
  expect(other).toMatchObject({ label: 1, category: { value: "85756007" }, type: { scheme: "99LYNCEUS", value: "CLASS 1" } });
  expect(other.name).toMatch(/^a b long/);
  expect(other.name.length).toBeLessThanOrEqual(64);
});

test("numbers, units and names are written for people", () => {
  expect([0, 0.0312, -1.234, 56.78, 1234.5, Number.NaN, null].map(shownNumber)).toEqual([
    ...["0", "0.031", "\u22121.23", "56.8", "1235", "not defined", "not defined"],
  ]);
  expect(["mm3", "mm2/year", "1", "1/year", "%"].map(shownUnit)).toEqual(["mm³", "mm² per year", "", "per year", "%"]);
  expect(withUnit("Normalised wall index", "1")).toBe("Normalised wall index");
  expect(["wall_thickening", "lumen_volume", "carotid_age"].map(targetTitle)).toEqual([
    ...["Mean wall thickness", "Lumen volume", "Carotid age"],
  ]);
});
