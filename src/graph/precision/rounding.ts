/** The nearest whole number; of two equally near the even one. */
export const roundToEven = (value: number): number => {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
};

const INFINITE = 0x7c00;
const NOT_A_NUMBER = 0x7e00;

/** Steps of halves per unit, 2^(10 - exponent), for exponents from -14 on. */
const STEPS_PER_UNIT = Float64Array.from({ length: 127 + 14 + 2 }, (_, index) => 2 ** (24 - index));

/**
 * The bits of the IEEE 754 half (binary16: one of sign, five of exponent, ten of fraction) nearest to each number; of two equally
 * near the one whose last bit is 0. What rounds beyond 65504 becomes infinite, what lies below 2^-14 a multiple of 2^-24.
 */
export const halfBits = (values: Float32Array): Uint16Array => {
  const words = new Uint32Array(values.slice().buffer);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const sign = (words[i] >>> 16) & 0x8000;
    // Halves of one exponent are equally far apart; all below 2^-14 share the smallest exponent.
    const exponent = Math.max(((words[i] >>> 23) & 255) - 127, -14);
    const steps = roundToEven(Math.abs(values[i]) * STEPS_PER_UNIT[exponent + 14]);
    // A number of 1024 steps has the next exponent's bits, one rounded up to 2048 those of the one after.
    const bits = Math.min((exponent + 14) * 1024 + steps, INFINITE);
    halves[i] = sign | (Number.isNaN(bits) ? NOT_A_NUMBER : bits);
  }
  return halves;
};
