import { random } from "../random/index.ts";

/**
 * The order of samples in training: position p of the endless sequence of epochs, each a new random order of all samples, a
 * function of (seed, p) alone. No sample is dropped, and there is no short batch, so the samples of a step are the same whether
 * they come in one batch or in several. Orders with other keys are independent.
 */
export const epochOrder = (count: number, seed: number, ...keys: readonly (number | string)[]) => {
  const orders = new Map<number, Uint32Array>();
  return (position: number): { readonly epoch: number; readonly index: number } => {
    const epoch = Math.floor(position / count);
    const order = orders.get(epoch) ?? random("order", seed, epoch, ...keys).permutation(count);
    orders.delete(epoch - 2);
    orders.set(epoch, order);
    return { epoch, index: order[position % count] };
  };
};
