import { namedChanges, type VesselFeature, vesselFeatures } from "../measurement/index.ts";

/** What stands where something cannot be measured, such as a cap's thickness without a lipid core. */
export const NOT_DEFINED = "not defined";

const FEATURES: Readonly<Record<VesselFeature, string>> = {
  lumen_volume: "Lumen volume",
  wall_volume: "Wall volume",
  lumen_area_minimum: "Minimum lumen area",
  wall_area_maximum: "Maximum wall area",
  wall_thickness_mean: "Mean wall thickness",
  wall_thickness_maximum: "Maximum wall thickness",
  normalised_wall_index: "Normalised wall index",
  stenosis_area: "Stenosis by area",
  stenosis_diameter: "Stenosis by diameter (NASCET)",
  calcification_volume: "Calcification volume",
  lipid_core_volume: "Lipid core volume",
  haemorrhage_volume: "Haemorrhage volume",
  fibrous_cap_volume: "Fibrous cap volume",
  calcification_share: "Calcification, share of the wall",
  lipid_core_share: "Lipid core, share of the wall",
  haemorrhage_share: "Haemorrhage, share of the wall",
  fibrous_cap_share: "Fibrous cap, share of the wall",
  cap_thickness_minimum: "Minimum cap thickness",
};

/** The feature whose change a target is, by the name of either; undefined for others. */
export const featureOfTarget = (name: string): VesselFeature | undefined =>
  namedChanges.find((own) => own.name === name)?.feature ?? vesselFeatures.find((own) => own.name === name)?.name;

export const featureTitle = (name: VesselFeature): string => FEATURES[name];

/** "Mean wall thickness" of "wall_thickening"; names that are not known are only spelt out. */
export const targetTitle = (name: string): string => {
  const feature = featureOfTarget(name);
  return feature ? FEATURES[feature] : sentence(name);
};

const sentence = (name: string): string => {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** "mm3/year" as "mm³ per year"; of what has no unit only "per year", or nothing. */
export const shownUnit = (unit: string): string => {
  const [of, per] = unit.split("/");
  const shown =
    of === "1" ? "" : of.replace(/^(\w*m)([23])$/, (_, length: string, power: "2" | "3") => length + { 2: "²", 3: "³" }[power]);
  return [shown, ...(per === undefined ? [] : [`per ${per}`])].filter((part) => part !== "").join(" ");
};

/** "Lumen volume, mm³". */
export const withUnit = (title: string, unit: string): string =>
  [title, shownUnit(unit)].filter((part) => part !== "").join(", ");

/** A number with the digits that matter, its minus as a sign; "not defined" for what is none. */
export const shownNumber = (value: number | null | undefined): string => {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOT_DEFINED;
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  const text = magnitude.toFixed(magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3);
  return value < 0 && Number(text) > 0 ? `\u2212${text}` : text;
};
