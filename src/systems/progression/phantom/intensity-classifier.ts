import { createVolume, isSameGrid, type LabelVolume, type Volume } from "../../../imaging/volumes/index.ts";

/** The classes that voxels' own signals tell. */
export interface IntensityClassifier {
  /** @throws RangeError when there are not as many channels as in training or they lie on different grids. */
  readonly classify: (channels: readonly Volume[]) => LabelVolume;
}

/** Registered images of one study, and what its voxels are. */
export interface LabelledStudy {
  readonly channels: readonly Volume[];
  readonly labels: LabelVolume;
}

interface ClassModel {
  readonly label: number;
  readonly mean: Float64Array;
  /** The lower triangle L of the covariance L L', [channels, channels]. */
  readonly factor: Float64Array;
  /** log(share of voxels) - log det L. */
  readonly bias: number;
}

/** Added to variances, in squared units of a channel's mean: no class is surer than noise allows. */
const LEAST_VARIANCE = 1e-4;

/**
 * The baseline that sees each voxel alone: a Gaussian of the channels' signals for each class (quadratic discriminant analysis), with the
 * classes' shares of voxels as prior. Signals are divided by their channel's mean over the study, because scanners scale as they like.
 * @throws RangeError without studies, or when their channels and labels do not fit.
 */
export const fitIntensityClassifier = (studies: Iterable<LabelledStudy>): IntensityClassifier => {
  const sums = new Map<number, { count: number; first: Float64Array; second: Float64Array }>();
  let [channels, voxels] = [0, 0];
  for (const study of studies) {
    if (voxels === 0) channels = study.channels.length;
    requireFit([...study.channels, study.labels], study.channels.length, channels);
    const scales = study.channels.map(scaleOf);
    const signal = new Float64Array(channels);
    for (let n = 0; n < study.labels.data.length; n++) {
      for (let c = 0; c < channels; c++) signal[c] = study.channels[c].data[n] * scales[c];
      const label = study.labels.data[n];
      let sum = sums.get(label);
      if (sum === undefined) {
        sum = { count: 0, first: new Float64Array(channels), second: new Float64Array(channels ** 2) };
        sums.set(label, sum);
      }
      sum.count++;
      for (let c = 0; c < channels; c++) {
        sum.first[c] += signal[c];
        for (let d = 0; d <= c; d++) sum.second[c * channels + d] += signal[c] * signal[d];
      }
    }
    voxels += study.labels.data.length;
  }
  if (voxels === 0) throw new RangeError("An intensity classifier learns from labelled studies; there are none.");
  const models = [...sums]
    .sort(([a], [b]) => a - b)
    .map(([label, { count, first, second }]): ClassModel => {
      const mean = first.map((sum) => sum / count);
      const covariance = second.map((sum, at) => {
        const [c, d] = [Math.floor(at / channels), at % channels];
        return sum / count - mean[c] * mean[d] + (c === d ? LEAST_VARIANCE : 0);
      });
      const factor = lowerFactor(covariance, channels);
      let logDeterminant = 0;
      for (let c = 0; c < channels; c++) logDeterminant += Math.log(factor[c * channels + c]);
      return { label, mean, factor, bias: Math.log(count / voxels) - logDeterminant };
    });
  return { classify: (images) => classified(images, models, channels) };
};

const classified = (images: readonly Volume[], models: readonly ClassModel[], channels: number): LabelVolume => {
  requireFit(images, images.length, channels);
  const scales = images.map(scaleOf);
  const labels = new Uint8Array(images[0].data.length);
  const whitened = new Float64Array(channels);
  for (let n = 0; n < labels.length; n++) {
    let most = Number.NEGATIVE_INFINITY;
    for (const { label, mean, factor, bias } of models) {
      let evidence = bias;
      for (let c = 0; c < channels; c++) {
        let value = images[c].data[n] * scales[c] - mean[c];
        for (let d = 0; d < c; d++) value -= factor[c * channels + d] * whitened[d];
        whitened[c] = value / factor[c * channels + c];
        evidence -= 0.5 * whitened[c] ** 2;
      }
      if (evidence > most) {
        most = evidence;
        labels[n] = label;
      }
    }
  }
  return createVolume(images[0], labels);
};

/** One over the mean. */
const scaleOf = ({ data }: Volume): number => {
  let sum = 0;
  for (let n = 0; n < data.length; n++) sum += data[n];
  return sum > 0 ? data.length / sum : 1;
};

const requireFit = (volumes: readonly (Volume | LabelVolume)[], channels: number, expected: number): void => {
  if (channels !== expected || channels === 0) {
    throw new RangeError(`The intensity classifier has ${expected} channels, but ${channels} were given.`);
  }
  if (!volumes.every((volume) => isSameGrid(volume, volumes[0]))) {
    throw new RangeError("The channels of a study lie on different grids. Resample them on one.");
  }
};

/** Cholesky's: only the lower triangle is read. */
const lowerFactor = (matrix: Float64Array, size: number): Float64Array => {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let value = matrix[i * size + j];
      for (let k = 0; k < j; k++) value -= factor[i * size + k] * factor[j * size + k];
      factor[i * size + j] = i === j ? Math.sqrt(value) : value / factor[j * size + j];
    }
  }
  return factor;
};
