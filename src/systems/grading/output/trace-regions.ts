/** The corners of a closed outline, x0, y0, x1, y1, ..., each once; corner (x, y) is the upper left one of pixel (x, y). */
export type Ring = Int32Array;

/** Pixels of one label that hang together by their edges. */
export interface Region {
  readonly label: number;
  /** In pixels, without its holes. */
  readonly area: number;
  /** Its area by the shoelace formula, sum(x_i y_i+1 - x_i+1 y_i) / 2, is positive. */
  readonly outer: Ring;
  /** Theirs is negative. */
  readonly holes: readonly Ring[];
}

/** Right, down, left, up: where a step goes, and which pixels lie ahead of the corner it ends in, to its right and left hand. */
const STEPS = [
  { dx: 1, dy: 0, right: [0, 0], left: [0, -1] },
  { dx: 0, dy: 1, right: [-1, 0], left: [0, 0] },
  { dx: -1, dy: 0, right: [-1, -1], left: [-1, 0] },
  { dx: 0, dy: -1, right: [0, -1], left: [-1, -1] },
] as const;
const [RIGHT, DOWN, UP] = [0, 1, 3];

/**
 * The exact outlines of the regions of a map [height, width] whose labels are wanted, by following the cracks between pixels with the
 * region at the right hand. Pixels that touch in a corner alone do not hang together. Corners lie where the direction changes.
 *
 * Rings are simple: where an outline would touch itself in a corner, it is split there, so that rings of a region touch each other
 * in single corners at most, which makes a valid polygon. Without the area limit, a region's outer ring less its holes has the area of its
 * pixels exactly.
 *
 * @param minimumArea regions of fewer pixels, and holes of fewer, are left out.
 */
export const traceRegions = (
  data: Uint8Array,
  width: number,
  height: number,
  wanted: (label: number) => boolean,
  minimumArea = 0,
): Region[] => {
  /** Of pixels that begin a run: the region, 1, 2, ...; -1 of one that is left out. */
  const owners = new Int32Array(data.length);
  /** Of pixels that end a run: whether the crack at their end is part of a ring. */
  const traced = new Uint8Array(data.length);
  const regions: { label: number; area: number; outer: Ring; holes: Ring[] }[] = [];

  const follow = (startX: number, startY: number, start: number, label: number, owner: number): Ring[] => {
    const has = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] === label;
    const corners: number[] = [];
    const touching = new Set<number>();
    let [x, y, direction] = [startX, startY, start];
    do {
      corners.push(x, y);
      let ahead = direction;
      do {
        if (direction === UP) owners[(y - 1) * width + x] = owner;
        else if (direction === DOWN) traced[y * width + x - 1] = 1;
        const { dx, dy, right, left } = STEPS[direction];
        x += dx;
        y += dy;
        const onLeft = has(x + left[0], y + left[1]);
        if (!has(x + right[0], y + right[1])) {
          ahead = (direction + 1) % 4;
          if (onLeft) touching.add(corners.length / 2); // the corner that comes now
        } else if (onLeft) ahead = (direction + 3) % 4;
      } while (ahead === direction);
      direction = ahead;
    } while (x !== startX || y !== startY || direction !== start);
    return splitRing(corners, touching, width + 1);
  };

  for (let y = 0, pixel = 0; y < height; y++) {
    let owner = 0;
    for (let x = 0; x < width; x++, pixel++) {
      const label = data[pixel];
      if (!wanted(label)) continue;
      if (x === 0 || data[pixel - 1] !== label) {
        if (owners[pixel] === 0) {
          // A region's first pixel in reading order: what has begun so far lies elsewhere.
          const rings = follow(x, y, RIGHT, label, regions.length + 1);
          const outer = rings.find((ring) => signedArea(ring) > 0)!;
          const holes = rings.filter((ring) => ring !== outer);
          const area = rings.reduce((sum, ring) => sum + signedArea(ring), 0);
          if (signedArea(outer) < minimumArea) follow(x, y, RIGHT, label, -1);
          else regions.push({ label, area, outer, holes: holes.filter((hole) => -signedArea(hole) >= minimumArea) });
        }
        owner = owners[pixel];
      }
      if ((x === width - 1 || data[pixel + 1] !== label) && traced[pixel] === 0) {
        const holes = follow(x + 1, y, DOWN, label, owner);
        if (owner < 0) continue;
        const region = regions[owner - 1];
        for (const hole of holes) {
          region.area += signedArea(hole);
          if (-signedArea(hole) >= minimumArea) region.holes.push(hole);
        }
      }
    }
  }
  return regions.filter(({ area }) => area >= minimumArea);
};

/** sum(x_i y_i+1 - x_i+1 y_i) / 2, the area that a ring encloses: positive where x turns towards y. */
export const signedArea = (ring: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) sum += ring[j] * ring[i + 1] - ring[i] * ring[j + 1];
  return sum / 2;
};

/** Simple rings of one that touches itself: each time it comes back to a corner, what lies between is a ring of its own. */
const splitRing = (corners: readonly number[], touching: ReadonlySet<number>, stride: number): Ring[] => {
  if (touching.size < 2) return [Int32Array.from(corners)];
  const rings: Ring[] = [];
  const open: number[] = [];
  const visited = new Map<number, number>(); // where in `open` a corner stands
  for (let i = 0; i < corners.length; i += 2) {
    const [x, y] = [corners[i], corners[i + 1]];
    if (touching.has(i / 2)) {
      const key = y * stride + x;
      const before = visited.get(key);
      if (before !== undefined) rings.push(Int32Array.from(open.splice(before)));
      visited.set(key, open.length);
    }
    open.push(x, y);
  }
  rings.push(Int32Array.from(open));
  return rings;
};
