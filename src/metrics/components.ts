/** Pixels of a region touch by an edge or a corner (8) or by an edge alone (4). */
export type Connectivity = 4 | 8;

export type Components = {
  /** Row-major, 0 outside, 1 .. count by the component's first pixel in reading order. */
  labels: Int32Array;
  count: number;
};

/**
 * Labels the connected components of a mask, by flooding from each pixel not yet labelled. Time is linear in the pixels.
 *
 * @param mask row-major, width * height values, nonzero = inside.
 * @throws RangeError when mask, width and height do not fit together, or the connectivity is neither 4 nor 8.
 */
export const connectedComponents = (
  mask: Uint8Array,
  width: number,
  height: number,
  connectivity: Connectivity = 8,
): Components => {
  if (mask.length !== width * height) {
    throw new RangeError(`The mask has ${mask.length} pixels, but width ${width} x height ${height} is ${width * height}.`);
  }
  if (connectivity !== 4 && connectivity !== 8) {
    throw new RangeError(`The connectivity is ${connectivity}; it must be 4 (edges) or 8 (edges and corners).`);
  }
  const labels = new Int32Array(mask.length);
  const pending: number[] = [];
  let count = 0;
  const enter = (pixel: number): void => {
    if (mask[pixel] === 0 || labels[pixel] !== 0) return;
    labels[pixel] = count;
    pending.push(pixel);
  };
  for (let seed = 0; seed < mask.length; seed++) {
    if (mask[seed] === 0 || labels[seed] !== 0) continue;
    count++;
    enter(seed);
    while (pending.length > 0) {
      const pixel = pending.pop()!;
      const x = pixel % width;
      const left = x > 0;
      const right = x < width - 1;
      if (left) enter(pixel - 1);
      if (right) enter(pixel + 1);
      for (const neighbourRow of [pixel - width, pixel + width]) {
        if (neighbourRow < 0 || neighbourRow >= mask.length) continue;
        enter(neighbourRow);
        if (connectivity === 4) continue;
        if (left) enter(neighbourRow - 1);
        if (right) enter(neighbourRow + 1);
      }
    }
  }
  return { labels, count };
};
