import { add, maxPool2d, mean, relu, type Tensor } from "../../src/graph/index.ts";
import { batchNorm, conv, dense, type Parameters } from "../../src/nn/index.ts";

export interface ResNetOptions {
  /** Channels of the first stage; each further stage has twice as many. */
  readonly width: number;
  /** Residual blocks of each stage. Default: 2, 2, 2, 2, as in ResNet-18. */
  readonly blocks?: readonly number[];
  readonly classes: number;
}

/** ResNet of basic blocks (He et al. 2016, table 1): [batch, channels, height, width] -> logits [batch, classes]. */
export const resnet = (p: Parameters, image: Tensor, { width, blocks = [2, 2, 2, 2], classes }: ResNetOptions): Tensor =>
  dense(p.at("classifier"), mean(resnetStages(p, image, { width, blocks }).at(-1)!, [2, 3]), classes);

/** The feature map that each stage ends with, at strides 4, 8, 16, ... */
export const resnetStages = (
  p: Parameters,
  image: Tensor,
  { width, blocks }: Required<Omit<ResNetOptions, "classes">>,
): Tensor[] => {
  let x = maxPool2d(relu(convNorm(p.at("stem"), image, width, 7, 2)), 3, { stride: 2, padding: 1 });
  return blocks.map((count, stage) => {
    for (let block = 0; block < count; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      x = basicBlock(p.at(`stage${stage}`).at(`block${block}`), x, width * 2 ** stage, stride);
    }
    return x;
  });
};

/** relu(F(x) + x) with F of two 3x3 convolutions; where the shape changes, x passes a strided 1x1 convolution. */
const basicBlock = (p: Parameters, x: Tensor, filters: number, stride: number): Tensor => {
  const first = relu(convNorm(p.at("first"), x, filters, 3, stride));
  const second = convNorm(p.at("second"), first, filters, 3, 1);
  const unchanged = stride === 1 && x.shape[1] === filters;
  return relu(add(second, unchanged ? x : convNorm(p.at("shortcut"), x, filters, 1, stride)));
};

const convNorm = (p: Parameters, x: Tensor, filters: number, size: number, stride: number): Tensor =>
  batchNorm(p.at("norm"), conv(p.at("conv"), x, filters, size, { stride, padding: (size - 1) / 2, bias: false }));
