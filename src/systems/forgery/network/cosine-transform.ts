import {
  constant,
  formatShape,
  GraphError,
  matmul,
  reshape,
  separable,
  spaceToDepth,
  type Tensor,
} from "../../../graph/index.ts";

/** Side of the blocks of the local transform: JPEG's, whose traces it looks at. */
export const BLOCK = 8;

/** `C[u, n] = s_u cos(pi (n + 1/2) u / size)`, s_0 = sqrt(1 / size), s_u = sqrt(2 / size): DCT-II (Ahmed et al. 1974), row by row. */
const cosines = (size: number): Float64Array =>
  Float64Array.from({ length: size * size }, (_, i) => {
    const [u, n] = [Math.floor(i / size), i % size];
    return Math.sqrt((u === 0 ? 1 : 2) / size) * Math.cos((Math.PI * (n + 0.5) * u) / size);
  });

/** Orthonormal DCT-II matrix C, [size, size]: `C x` are the coefficients of a line x, from the mean on; its inverse is its transpose. */
export const cosineMatrix = (size: number): Tensor => constant(Float32Array.from(cosines(size)), [size, size]);

/**
 * Orthonormal DCT of whole images, `C_h X C_w^T`: two matrix products. [batch, channels, height, width] -> the same shape, whose
 * place (u, v) holds the frequency of u / 2 periods down and v / 2 across. @throws GraphError unless height and width are known.
 */
export const cosineTransform = (x: Tensor): Tensor => {
  const { height, width } = imageSizes("cosineTransform", x);
  const rows = cosineMatrix(height);
  return separable(x, rows, height === width ? rows : cosineMatrix(width));
};

/**
 * Orthonormal DCT of each block of `block` x `block` pixels, as one product of [pixels of a block, blocks] matrices with the Kronecker product
 * of C with itself: [batch, channels, height, width] -> [batch, channels, block^2, blocks]. Row `u block + v` of a matrix holds one
 * frequency of all blocks, which follow each other row by row; so a reshape to [..., block^2, height / block, width / block] is a small image of
 * each frequency. @throws GraphError unless height and width are known multiples of the block.
 */
export const blockCosineTransform = (x: Tensor, block = BLOCK): Tensor => {
  const { batch, channels, height, width } = imageSizes("blockCosineTransform", x);
  if (height % block !== 0 || width % block !== 0) {
    throw new GraphError(
      `blockCosineTransform: the height and width of ${formatShape(x.shape)} must be multiples of ${block}; resize or crop the images.`,
    );
  }
  const planes = reshape(x, [typeof batch === "number" ? batch * channels : `${batch} x ${channels}`, 1, height, width]);
  const pixels = reshape(spaceToDepth(planes, block), [batch, channels, block * block, (height / block) * (width / block)]);
  return matmul(blockMatrix(block), pixels);
};

/** `K[u size + v, a size + b] = C[u, a] C[v, b]`. */
const blockMatrix = (size: number): Tensor => {
  const [c, area] = [cosines(size), size * size];
  const values = Float32Array.from({ length: area * area }, (_, i) => {
    const [frequency, pixel] = [Math.floor(i / area), i % area];
    const down = c[Math.floor(frequency / size) * size + Math.floor(pixel / size)];
    return down * c[(frequency % size) * size + (pixel % size)];
  });
  return constant(values, [area, area]);
};

/** The sizes of an image batch; the batch alone may be open. @throws GraphError naming the function otherwise. */
export const imageSizes = (caller: string, { rank, shape }: Tensor) => {
  const [batch, channels, height, width] = shape;
  if (rank !== 4 || typeof channels !== "number" || typeof height !== "number" || typeof width !== "number") {
    throw new GraphError(`${caller}: needs images [batch, channels, height, width] of known sizes, got ${formatShape(shape)}.`);
  }
  return { batch, channels, height, width };
};
