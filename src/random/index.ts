import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/**
 * A stream of random numbers that is a pure function of its keys, for instance `random(seed, epoch, sampleIndex)`.
 * Nothing is shared between streams, so the order in which samples are prepared cannot change them.
 * Keys are whole numbers (reduced modulo 2^32) or names.
 */
export const random = (...keys: readonly (number | string)[]): Random => new Random(keys);

export class Random {
  private readonly generator: ReturnType<typeof xoroshiro128plusFromState>;
  private spareNormal: number | undefined;

  constructor(keys: readonly (number | string)[]) {
    this.generator = xoroshiro128plusFromState(mixKeys(keys));
    // The first outputs of xoroshiro are sums of raw state words; a few steps decorrelate neighbouring keys.
    for (let step = 0; step < 4; step++) this.generator.next();
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * uniformFloat32(this.generator);
  }

  /** Uniform whole number in [low, high], both included. */
  integer(low: number, high: number): number {
    return low + Math.floor((this.generator.next() >>> 0) * 2 ** -32 * (high - low + 1));
  }

  /** Normal with the given mean and standard deviation (polar method of Marsaglia and Bray 1964). */
  normal(mean = 0, deviation = 1): number {
    if (this.spareNormal !== undefined) {
      const spare = this.spareNormal;
      this.spareNormal = undefined;
      return mean + deviation * spare;
    }
    let u = 0;
    let v = 0;
    let s = 0;
    do {
      u = this.uniform(-1, 1);
      v = this.uniform(-1, 1);
      s = u * u + v * v;
    } while (s >= 1 || s === 0);
    const factor = Math.sqrt((-2 * Math.log(s)) / s);
    this.spareNormal = v * factor;
    return mean + deviation * u * factor;
  }

  /** Laplace with density exp(-|x - mean| / scale) / (2 scale), by inversion of its distribution function. */
  laplace(mean = 0, scale = 1): number {
    const u = this.uniform(-0.5, 0.5);
    return mean - scale * Math.sign(u) * Math.log(Math.max(1 - 2 * Math.abs(u), 2 ** -24));
  }

  /** Poisson with the given rate >= 0: products of uniforms (Knuth) in pieces of at most 30, whose sums are Poisson again. */
  poisson(rate: number): number {
    let count = 0;
    for (let left = rate; left > 0; left -= 30) {
      const limit = Math.exp(-Math.min(left, 30));
      for (let product = this.uniform(); product > limit; product *= this.uniform()) count++;
    }
    return count;
  }

  /** Index drawn with probability proportional to its weight. At least one weight must be positive. */
  choice(weights: readonly number[]): number {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (!(total > 0)) throw new RangeError("A random choice needs at least one positive weight.");
    let left = this.uniform() * total;
    for (let index = 0; index < weights.length; index++) {
      left -= weights[index];
      if (left < 0) return index;
    }
    return weights.findLastIndex((weight) => weight > 0);
  }

  /** The whole numbers 0 .. length - 1 in random order (Fisher-Yates). */
  permutation(length: number): Uint32Array {
    const order = Uint32Array.from({ length }, (_, index) => index);
    for (let last = length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  }
}

/** 128 bits of state from the keys: four FNV-1a-like lanes with the finaliser of MurmurHash3 after each word. */
const mixKeys = (keys: readonly (number | string)[]): [number, number, number, number] => {
  const lanes: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667];
  const absorb = (word: number): void => {
    for (let lane = 0; lane < 4; lane++) {
      let h = lanes[lane] ^ Math.imul(word, 0x01000193 + 2 * lane);
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      lanes[lane] = (h ^ (h >>> 16)) + lane;
    }
  };
  for (const key of keys) {
    if (typeof key === "number") {
      absorb(key | 0);
    } else {
      for (let i = 0; i < key.length; i++) absorb(key.charCodeAt(i));
      absorb(-1 - key.length);
    }
  }
  return lanes;
};
