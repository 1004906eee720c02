import {
  abs,
  add,
  div,
  filterMatrix,
  gaussianKernel,
  halvingMatrix,
  maximum,
  mean,
  mul,
  resizeMatrix,
  separable,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from "../graph/index.ts";

/**
 * How far a restored image is from its original, pixel by pixel. One definition serves twice: averaged it is
 * the loss that trains a network, and on a test image it is the anomaly map.
 * Inputs [batch, channels, height, width] in [0, 1]; result [batch, 1, height, width], 0 where both agree.
 */
export type Residual = (original: Tensor, restored: Tensor) => Tensor;

const overChannels = (x: Tensor): Tensor => mean(x, [1], { keepAxes: true });

/** |x - y|, averaged over channels. */
export const l1: Residual = (x, y) => overChannels(abs(sub(x, y)));

/** (x - y)^2, averaged over channels. */
export const l2: Residual = (x, y) => overChannels(square(sub(x, y)));

/**
 * 1 - SSIM, the structural similarity of Wang et al. 2004:
 * `SSIM = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2))` with local means, variances and covariance
 * under a Gaussian window (11 x 11, sigma 1.5), C1 = 0.01^2, C2 = 0.03^2 for a value range of 1. Between 0 and 2.
 */
export const ssim: Residual = (x, y) => {
  const [height, width] = sizesOf(x);
  const window = gaussianKernel(1.5, 5);
  const [rows, columns] = [filterMatrix(height, window), filterMatrix(width, window)];
  const local = (image: Tensor) => separable(image, rows, columns);
  const [meanX, meanY] = [local(x), local(y)];
  const [meanXX, meanYY, meanXY] = [square(meanX), square(meanY), mul(meanX, meanY)];
  // sx^2 + sy^2 only occurs as a sum, so one window serves for both.
  const variances = sub(local(add(square(x), square(y))), add(meanXX, meanYY));
  const covariance = sub(local(mul(x, y)), meanXY);
  const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
  const similarity = div(
    mul(add(mul(meanXY, 2), c1), add(mul(covariance, 2), c2)),
    mul(add(add(meanXX, meanYY), c1), add(variances, c2)),
  );
  return overChannels(sub(1, similarity));
};

/**
 * Difference in units of the surroundings' contrast: `|G1 * (x - y)| / sqrt(variance of x under G8 + 0.01^2)`, with Gaussian
 * windows of 1 and 8 pixels, averaged over channels. What would be a strong difference on a dark, even surface is a weak one
 * on a bright, rough one.
 */
export const contrast: Residual = (x, y) => {
  const blur = (image: Tensor, sigma: number): Tensor => {
    const [height, width] = sizesOf(image);
    const window = gaussianKernel(sigma);
    return separable(image, filterMatrix(height, window), filterMatrix(width, window));
  };
  const variance = blur(square(sub(x, blur(x, 8))), 8);
  return overChannels(div(abs(blur(sub(x, y), 1)), sqrt(add(variance, 0.01 ** 2))));
};

/**
 * 1 - multi-scale gradient magnitude similarity (Xue et al. 2014; multi-scale as in RIAD, Zavrtanik et al. 2021):
 * `GMS = (2 gx gy + c) / (gx^2 + gy^2 + c)`, c = 0.0026, of Prewitt gradient magnitudes of the channel mean,
 * at up to four scales, each half the last; the maps are resized to the full size and averaged. Between 0 and 1.
 */
export const msgms: Residual = (x, y) => {
  let [a, b] = [overChannels(x), overChannels(y)];
  const maps: Tensor[] = [];
  for (let scale = 0; scale < 4; scale++) {
    maps.push(resizeLike(gradientMagnitudeDifference(a, b), x));
    const [height, width] = sizesOf(a);
    if (Math.min(height, width) < 8) break;
    const [rows, columns] = [halvingMatrix(height), halvingMatrix(width)];
    [a, b] = [separable(a, rows, columns), separable(b, rows, columns)];
  }
  return mul(maps.reduce(add), 1 / maps.length);
};

const gradientMagnitudeDifference = (a: Tensor, b: Tensor): Tensor => {
  const [height, width] = sizesOf(a);
  const [smooth, derivative] = [
    [1 / 3, 1 / 3, 1 / 3],
    [1, 0, -1],
  ];
  const magnitude = (image: Tensor): Tensor => {
    const horizontal = separable(image, filterMatrix(height, smooth), filterMatrix(width, derivative));
    const vertical = separable(image, filterMatrix(height, derivative), filterMatrix(width, smooth));
    // The epsilon stands inside the root: on a constant image the gradient stays finite.
    return sqrt(add(add(square(horizontal), square(vertical)), 1e-6));
  };
  const c = 0.0026;
  const [ga, gb] = [magnitude(a), magnitude(b)];
  return div(square(sub(ga, gb)), add(add(square(ga), square(gb)), c));
};

const resizeLike = (map: Tensor, like: Tensor): Tensor =>
  separable(
    map,
    resizeMatrix({ of: map, axis: 2 }, { of: like, axis: 2 }),
    resizeMatrix({ of: map, axis: 3 }, { of: like, axis: 3 }),
  );

const sizesOf = (x: Tensor): [number, number] => x.shape.slice(-2) as [number, number];

export const residuals = { l1, l2, ssim, msgms, contrast };
export type ResidualName = keyof typeof residuals;

/** Weighted sum of residual maps; terms of weight 0 cost nothing. */
export const weightedResidual =
  (weights: Readonly<Partial<Record<ResidualName, number>>>): Residual =>
  (original, restored) => {
    const terms = Object.entries(weights).filter(([, weight]) => weight > 0);
    if (terms.length === 0) throw new RangeError("A sum of residuals needs at least one positive weight.");
    return terms
      .map(([name, weight]) => mul(residuals[name as ResidualName](original, restored), weight))
      .reduce((total, term) => add(total, term));
  };

/** Mean of a map, where positions may weigh differently: sum(w m) / sum(w), and 0 where nothing weighs. Both [batch, 1, height, width]. */
export const weightedMean = (map: Tensor, weights?: Tensor): Tensor =>
  weights === undefined ? mean(map) : div(sum(mul(map, weights)), maximum(sum(weights), 1e-12));
