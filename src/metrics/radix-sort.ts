const digitBits = 11;
const digitCount = 3;
const radix = 1 << digitBits;
const digitMask = radix - 1;

/**
 * Sorts keys ascending, least significant digit first (three digits of 11 bits), and lets `companions[i]` travel with
 * `keys[i]`. Linear in the number of keys; takes as much memory again as it is given, and overwrites what it is given.
 */
export const radixSort = (keys: Uint32Array, companions?: Uint32Array): { keys: Uint32Array; companions?: Uint32Array } => {
  const counts = digitCounts(keys);
  let from = keys;
  let to: Uint32Array = new Uint32Array(keys.length);
  let companionsFrom = companions;
  let companionsTo: Uint32Array | undefined = companions && new Uint32Array(keys.length);
  for (let digit = 0; digit < digitCount; digit++) {
    const places = startingPlaces(counts[digit]);
    if (places === undefined) continue;
    const shift = digit * digitBits;
    if (companionsFrom && companionsTo) {
      for (let i = 0; i < from.length; i++) {
        const place = places[(from[i] >>> shift) & digitMask]++;
        to[place] = from[i];
        companionsTo[place] = companionsFrom[i];
      }
      [companionsFrom, companionsTo] = [companionsTo, companionsFrom];
    } else {
      for (let i = 0; i < from.length; i++) to[places[(from[i] >>> shift) & digitMask]++] = from[i];
    }
    [from, to] = [to, from];
  }
  return { keys: from, companions: companionsFrom };
};

const digitCounts = (keys: Uint32Array): Uint32Array[] => {
  const low = new Uint32Array(radix);
  const middle = new Uint32Array(radix);
  const high = new Uint32Array(radix);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    low[key & digitMask]++;
    middle[(key >>> digitBits) & digitMask]++;
    high[key >>> (2 * digitBits)]++;
  }
  return [low, middle, high];
};

/** Where the keys of each digit value begin, or undefined when all keys share one value and need not move. */
const startingPlaces = (counts: Uint32Array): Uint32Array | undefined => {
  const places = new Uint32Array(radix);
  let place = 0;
  let used = 0;
  for (let value = 0; value < radix; value++) {
    places[value] = place;
    place += counts[value];
    if (counts[value] > 0) used++;
  }
  return used > 1 ? places : undefined;
};
