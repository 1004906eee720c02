/** Concentrations of stain and classes of a rectangle of pixels, while it is painted. */
export interface Canvas {
  /** The first pixel, on the slide's level 0. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Side of a pixel, in um. */
  readonly pixel: number;
  /** How deep in tissue each pixel is, in um, near the edge; negative on glass. `[height, width]`. */
  readonly depth: Float32Array;
  /** Concentrations, `[height, width]`: optical density (natural logarithm) along the stain's unit vector. */
  readonly haematoxylin: Float32Array;
  readonly eosin: Float32Array;
  /** `[height, width]`. */
  readonly classes: Uint8Array;
}

export const createCanvas = (x: number, y: number, width: number, height: number, pixel: number): Canvas => ({
  x,
  y,
  width,
  height,
  pixel,
  depth: new Float32Array(width * height),
  haematoxylin: new Float32Array(width * height),
  eosin: new Float32Array(width * height),
  classes: new Uint8Array(width * height),
});

/** The pixels, relative to the canvas, whose middles can lie within `reach` um of a point: first and last column and row. */
export const pixelsAround = (
  { x: left, y: top, width, height, pixel }: Canvas,
  x: number,
  y: number,
  reach: number,
): { firstColumn: number; lastColumn: number; firstRow: number; lastRow: number } => ({
  firstColumn: Math.max(0, Math.floor((x - reach) / pixel - 0.5) - left),
  lastColumn: Math.min(width - 1, Math.ceil((x + reach) / pixel - 0.5) - left),
  firstRow: Math.max(0, Math.floor((y - reach) / pixel - 0.5) - top),
  lastRow: Math.min(height - 1, Math.ceil((y + reach) / pixel - 0.5) - top),
});
