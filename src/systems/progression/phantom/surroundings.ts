import { random } from "../../../random/index.ts";
import type { VesselAnatomy } from "./anatomy.ts";
import { SURROUNDINGS } from "./tissues.ts";

/** A smooth field with mean 0 and deviation about 1: waves of random directions, `scale` mm to a radian. */
export const waves = (scale: number, ...keys: readonly (number | string)[]): ((x: number, y: number, z: number) => number) => {
  const stream = random("waves", ...keys);
  const count = 6;
  const waveAt = Array.from({ length: count }, () => {
    const [u, v, w] = [stream.normal(), stream.normal(), stream.normal(0, 0.4)].map((k) => k / scale);
    return { u, v, w, phase: stream.uniform(0, 2 * Math.PI) };
  });
  return (x, y, z) => {
    let sum = 0;
    for (const { u, v, w, phase } of waveAt) sum += Math.cos(u * x + v * y + w * z + phase);
    return sum * Math.sqrt(2 / count);
  };
};

const step = (value: number): number => 1 / (1 + Math.exp(-value));

/**
 * What lies around the vessel: muscles parted by fat, and the jugular vein beside the internal carotid, dark on black-blood images as the
 * lumen is. Gives the signal at a point, in the anatomy's coordinates.
 */
export const surroundings = (
  anatomy: VesselAnatomy,
  seed: number,
  patient: number,
): ((x: number, y: number, z: number, signals: Float64Array) => number) => {
  const stream = random("vessel surroundings", seed, patient);
  const compartments = waves(4, seed, patient, "compartments");
  const fatness = stream.uniform(-0.5, 0.6);
  const [ix, iy] = anatomy.internalAt(10);
  const away = Math.atan2(iy, ix) + stream.uniform(-0.5, 0.5);
  const distance = stream.uniform(5.5, 6.5);
  const [long, short] = [stream.uniform(3, 4.2), stream.uniform(2, 2.8)];
  return (x, y, z, signals) => {
    const fat = step(4 * (compartments(x, y, z) + fatness));
    const tissue = signals[SURROUNDINGS.fat] * fat + signals[SURROUNDINGS.muscle] * (1 - fat);
    const [cx, cy] = anatomy.internalAt(z);
    const [dx, dy] = [x - cx - (distance + long) * Math.cos(away), y - cy - (distance + long) * Math.sin(away)];
    const along = Math.cos(away) * dx + Math.sin(away) * dy;
    const across = Math.cos(away) * dy - Math.sin(away) * dx;
    const vein = step((1 - Math.hypot(along / long, across / short)) * short * 5);
    return tissue + (signals[SURROUNDINGS.vein] - tissue) * vein;
  };
};
