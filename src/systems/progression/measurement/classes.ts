/** What a voxel of a vessel-wall image can be; its index is the value in label volumes. Classes from `WALL` on make up the wall. */
export const vesselClasses = [
  { name: "background" },
  { name: "lumen", colour: [214, 39, 40] },
  { name: "wall", colour: [148, 103, 189] },
  { name: "calcification", colour: [240, 240, 240] },
  { name: "lipid core", colour: [250, 210, 60] },
  { name: "haemorrhage", colour: [255, 127, 14] },
  { name: "fibrous cap", colour: [44, 160, 180] },
] as const satisfies readonly { readonly name: string; readonly colour?: readonly [number, number, number] }[];

export const LUMEN = 1;
/** Wall that is no component of a plaque. */
export const WALL = 2;
export const CALCIFICATION = 3;
export const LIPID_CORE = 4;
export const HAEMORRHAGE = 5;
export const FIBROUS_CAP = 6;
