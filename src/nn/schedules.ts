/** Learning rate of a step, counted from 1 to `total`. */
export type Schedule = (step: number, total: number) => number;

/** The same rate at every step. */
export const constantRate =
  (rate: number): Schedule =>
  () =>
    rate;

/** Half a cosine from `from` to `to` while `share` goes from 0 to 1. */
const cosineBetween = (from: number, to: number, share: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * Math.min(Math.max(share, 0), 1)))) / 2;

/** Linear rise to `rate` over the first `warmup` steps, then half a cosine down to `floor` at the last (Loshchilov and Hutter 2017). */
export const warmupCosine =
  (rate: number, warmup: number, floor = 0): Schedule =>
  (step, total) =>
    step <= warmup ? (rate * step) / warmup : cosineBetween(rate, floor, (step - warmup) / Math.max(total - warmup, 1));

/** Linear rise to `rate` over the first `warmup` steps, then a straight line down to `floor` at the last (Devlin et al. 2019). */
export const warmupLinear =
  (rate: number, warmup: number, floor = 0): Schedule =>
  (step, total) =>
    step <= warmup
      ? (rate * step) / warmup
      : floor + (rate - floor) * Math.max(1 - (step - warmup) / Math.max(total - warmup, 1), 0);

/**
 * One cycle (Smith and Topin 2018): half a cosine from peak / 25 up to `peak` over the first `rise` of the training,
 * then one down to peak / 25e4 at the last step.
 */
export const oneCycle =
  (peak: number, rise = 0.3): Schedule =>
  (step, total) => {
    const top = Math.max(rise * total - 1, 1);
    const at = step - 1;
    return at <= top
      ? cosineBetween(peak / 25, peak, at / top)
      : cosineBetween(peak, peak / 25e4, (at - top) / Math.max(total - 1 - top, 1));
  };
