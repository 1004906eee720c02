/** The light of an sRGB value, both in 0 .. 1 (IEC 61966-2-1). */
export const lightOf = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** The sRGB value of light, both in 0 .. 1: the inverse of `lightOf`. */
export const encodedLight = (light: number): number => (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055);
