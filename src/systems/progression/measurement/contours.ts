/** A point of a slice in mm. */
export type Point = readonly [number, number];

/** A closed polygon. What it bounds lies to its left: its area by `signedArea` is positive, that of a hole negative. */
export type Contour = readonly Point[];

/** Values of a slice, [height, width]. */
export interface SliceField {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

const LEVEL = 0.5;

/** The ends of contour pieces in a cell by which of its corners (1, 2, 4, 8: from the first, around it) are inside; `t r b l` are its edges. */
const PIECES = ["", "tl", "rt", "rl", "br", "tlbr", "bt", "bl", "lb", "tb", "rtlb", "rb", "lr", "tr", "lt", ""];
/** The two cases with opposite corners inside, when the middle of the cell is inside too. */
const JOINED: Readonly<Record<number, string>> = { 5: "trbl", 10: "ltrb" };

/**
 * Where the values cross 1/2, by marching squares with linear interpolation along the cells' edges (Lorensen and Cline 1987, in the plane),
 * in pixels: (0, 0) is the centre of the first. Beyond the slice everything is 0, so that all contours close. Corners that touch
 * diagonally are joined where the mean of the cell is above 1/2.
 */
export const levelContours = ({ width, height, values }: SliceField): Contour[] => {
  const stride = width + 1;
  const at = (i: number, j: number): number => (i < 0 || j < 0 || i >= width || j >= height ? 0 : values[j * width + i]);
  const points = new Map<number, Point>();
  const next = new Map<number, number>();
  /** The crossing between two pixels: `axis` 0 to the right of (i, j), 1 below it. */
  const crossing = (i: number, j: number, axis: 0 | 1): number => {
    const key = 2 * ((j + 1) * stride + i + 1) + axis;
    if (!points.has(key)) {
      const [from, to] = [at(i, j), axis === 0 ? at(i + 1, j) : at(i, j + 1)];
      const share = (LEVEL - from) / (to - from);
      points.set(key, axis === 0 ? [i + share, j] : [i, j + share]);
    }
    return key;
  };
  for (let j = -1; j < height; j++) {
    for (let i = -1; i < width; i++) {
      const [a, b, c, d] = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
      const inside = (a > LEVEL ? 1 : 0) + (b > LEVEL ? 2 : 0) + (c > LEVEL ? 4 : 0) + (d > LEVEL ? 8 : 0);
      if (inside === 0 || inside === 15) continue;
      const pieces = (a + b + c + d) / 4 > LEVEL ? (JOINED[inside] ?? PIECES[inside]) : PIECES[inside];
      const keyOf = (edge: string): number =>
        edge === "t"
          ? crossing(i, j, 0)
          : edge === "l"
            ? crossing(i, j, 1)
            : edge === "r"
              ? crossing(i + 1, j, 1)
              : crossing(i, j + 1, 0);
      for (let piece = 0; piece < pieces.length; piece += 2) next.set(keyOf(pieces[piece]), keyOf(pieces[piece + 1]));
    }
  }
  const contours: Contour[] = [];
  for (const start of [...next.keys()]) {
    const contour: Point[] = [];
    for (let key = start; next.has(key); ) {
      contour.push(points.get(key)!);
      const following = next.get(key)!;
      next.delete(key);
      key = following;
    }
    if (contour.length > 0) contours.push(contour);
  }
  return contours;
};

/**
 * The contours moved along their normals, all by the same distance, until together they enclose `area` mm2: marching squares cut corners,
 * and what is a few pixels large would come out too small.
 */
export const enclosing = (contours: readonly Contour[], area: number): readonly Contour[] => {
  let moved = contours;
  for (let round = 0; round < 3; round++) {
    const length = moved.reduce((sum, contour) => sum + perimeter(contour), 0);
    if (length === 0) return moved;
    const missing = area - moved.reduce((sum, contour) => sum + signedArea(contour), 0);
    moved = moved.map((contour) => outwards(contour, missing / length));
  }
  return moved;
};

const outwards = (contour: Contour, distance: number): Contour =>
  contour.map(([x, y], n) => {
    const [before, after] = [contour[(n + contour.length - 1) % contour.length], contour[(n + 1) % contour.length]];
    const [dx, dy] = [after[0] - before[0], after[1] - before[1]];
    const length = Math.hypot(dx, dy);
    return length === 0 ? [x, y] : [x + (distance * dy) / length, y - (distance * dx) / length];
  });

/** Area by the shoelace formula, in mm2; negative of a hole. */
export const signedArea = (contour: Contour): number =>
  contour.reduce((sum, [x, y], n) => {
    const [u, v] = contour[(n + 1) % contour.length];
    return sum + (x * v - u * y) / 2;
  }, 0);

/** In mm. */
export const perimeter = (contour: Contour): number =>
  contour.reduce((sum, [x, y], n) => {
    const [u, v] = contour[(n + 1) % contour.length];
    return sum + Math.hypot(u - x, v - y);
  }, 0);

/** How far a point is from the contours' lines, in mm; infinite without any. */
export const distanceTo = (contours: readonly Contour[]): ((point: Point) => number) => {
  const pieces = Float64Array.from(
    contours.flatMap((contour) =>
      contour.flatMap(([x, y], n) => {
        const [u, v] = contour[(n + 1) % contour.length];
        const squared = (u - x) ** 2 + (v - y) ** 2;
        return [x, y, u - x, v - y, squared === 0 ? 0 : 1 / squared];
      }),
    ),
  );
  return ([x, y]) => {
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n < pieces.length; n += 5) {
      const u = x - pieces[n];
      const v = y - pieces[n + 1];
      const along = (u * pieces[n + 2] + v * pieces[n + 3]) * pieces[n + 4];
      const share = along < 0 ? 0 : along > 1 ? 1 : along;
      const du = u - share * pieces[n + 2];
      const dv = v - share * pieces[n + 3];
      const squared = du * du + dv * dv;
      if (squared < least) least = squared;
    }
    return Math.sqrt(least);
  };
};

const DIRECTIONS = 90;

/** The least distance between two parallel lines that hold the contour between them, over directions 2 degrees apart, in mm. */
export const leastWidth = (contour: Contour): number => {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < DIRECTIONS; n++) {
    const [cosine, sine] = [Math.cos((n * Math.PI) / DIRECTIONS), Math.sin((n * Math.PI) / DIRECTIONS)];
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const [x, y] of contour) {
      const along = cosine * x + sine * y;
      if (along < low) low = along;
      if (along > high) high = along;
    }
    least = Math.min(least, high - low);
  }
  return least;
};
