import { createVolume, type Volume } from "../../imaging/index.ts";

/**
 * (x - mean) / deviation over the voxels that are not 0, whatever scale a scanner used (as nnU-Net does with MR); 0 stays what lies outside a
 * cut-out head, and becomes the lowest of what there is. All equal: zeros.
 */
export const standardised = (volume: Volume): Volume => {
  let [count, sum, squares] = [0, 0, 0];
  for (const value of volume.data) {
    if (value === 0 || !Number.isFinite(value)) continue;
    count++;
    sum += value;
    squares += value * value;
  }
  const mean = count > 0 ? sum / count : 0;
  const deviation = Math.sqrt(Math.max(0, count > 0 ? squares / count - mean * mean : 0));
  const scale = deviation > 1e-6 * Math.abs(mean) ? 1 / deviation : 0;
  return createVolume(
    volume,
    volume.data.map((value) => (Number.isFinite(value) ? (value - mean) * scale : 0)),
  );
};
