/*
 * The order of 32-bit floats as an order of whole numbers: reading a float's bits as an unsigned number orders the
 * non-negative floats already; setting their sign bit, and inverting all bits of the negative ones, orders all of them.
 */

/** The bits of each score, as a view of the same memory. */
export const bitsOf = (scores: Float32Array): Uint32Array => new Uint32Array(scores.buffer, scores.byteOffset, scores.length);

/** Whether a float's bits stand for "not a number". */
export const isNaNBits = (bits: number): boolean => (bits & 0x7fffffff) > 0x7f800000;

/** The key of a float's bits: a whole number in [0, 2^32) such that a < b as floats exactly when key(a) < key(b); -0 has the key of +0. */
export const keyOfBits = (bits: number): number =>
  bits === 0x80000000 ? 0x80000000 : (bits ^ ((bits >> 31) | 0x80000000)) >>> 0;

/** The key of a single score, rounded to 32-bit precision. */
export const keyOfScore = (score: number): number => keyOfBits(bitsOf(Float32Array.of(score))[0]);

const word = new Uint32Array(1);
const wordAsScore = new Float32Array(word.buffer);

/** The score that has the given key. */
export const scoreOfKey = (key: number): number => {
  word[0] = key >= 0x80000000 ? key ^ 0x80000000 : ~key;
  return wordAsScore[0];
};

/** The smallest 32-bit float above a finite or negatively infinite score. */
export const nextScoreAbove = (score: number): number => scoreOfKey(keyOfScore(score) + 1);
