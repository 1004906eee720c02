import type { Material } from "./material.ts";

export type Shape = "ellipsoid" | "box" | "cylinder";

/** A solid in space. Its axes are the rows of `axes` (orthonormal), `half` its half sizes along them; a cylinder stands on its second axis. */
export interface Solid {
  readonly shape: Shape;
  readonly centre: readonly [number, number, number];
  readonly half: readonly [number, number, number];
  readonly axes: readonly number[];
  readonly material: Material;
  /** Radius of the sphere around it. */
  readonly reach: number;
}

/** A point of a solid's surface and the normal there, both along the solid's own axes: `[x, y, z, nx, ny, nz]`. */
export type Hit = Float64Array;

export const newHit = (): Hit => new Float64Array(6);

export const solid = (
  shape: Shape,
  centre: Solid["centre"],
  half: Solid["half"],
  axes: readonly number[],
  material: Material,
): Solid => ({
  shape,
  centre,
  half,
  axes,
  material,
  reach:
    shape === "ellipsoid"
      ? Math.max(...half)
      : shape === "box"
        ? Math.hypot(...half)
        : Math.hypot(Math.max(half[0], half[2]), half[1]),
});

/** Axes turned about the vertical by `yaw` and then leaning by `lean`, in radians. */
export const turned = (yaw: number, lean = 0): readonly number[] => {
  const [c, s, k, l] = [Math.cos(yaw), Math.sin(yaw), Math.cos(lean), Math.sin(lean)];
  return [c, 0, s, s * l, k, -c * l, -s * k, l, c * k];
};

/** How far along a ray (in lengths of its direction, above `least`) it meets the solid, else infinity; the hit is then left as it was. */
export const intersect = (
  { shape, centre, half, axes }: Solid,
  ox: number,
  oy: number,
  oz: number,
  dx: number,
  dy: number,
  dz: number,
  least: number,
  hit: Hit,
): number => {
  const rx = ox - centre[0];
  const ry = oy - centre[1];
  const rz = oz - centre[2];
  // The ray in the solid's own coordinates, in units of its half sizes.
  const px = (axes[0] * rx + axes[1] * ry + axes[2] * rz) / half[0];
  const py = (axes[3] * rx + axes[4] * ry + axes[5] * rz) / half[1];
  const pz = (axes[6] * rx + axes[7] * ry + axes[8] * rz) / half[2];
  const ux = (axes[0] * dx + axes[1] * dy + axes[2] * dz) / half[0];
  const uy = (axes[3] * dx + axes[4] * dy + axes[5] * dz) / half[1];
  const uz = (axes[6] * dx + axes[7] * dy + axes[8] * dz) / half[2];
  let t = Number.POSITIVE_INFINITY;
  let nx = 0;
  let ny = 0;
  let nz = 0;
  if (shape === "box") {
    const enterX = (-Math.sign(ux) - px) / ux;
    const enterY = (-Math.sign(uy) - py) / uy;
    const enterZ = (-Math.sign(uz) - pz) / uz;
    const enter = Math.max(enterX, enterY, enterZ);
    const leave = Math.min((Math.sign(ux) - px) / ux, (Math.sign(uy) - py) / uy, (Math.sign(uz) - pz) / uz);
    if (enter > leave || enter <= least) return t;
    t = enter;
    if (enter === enterX) nx = -Math.sign(ux);
    else if (enter === enterY) ny = -Math.sign(uy);
    else nz = -Math.sign(uz);
  } else if (shape === "ellipsoid") {
    const near = nearRoot(ux * ux + uy * uy + uz * uz, px * ux + py * uy + pz * uz, px * px + py * py + pz * pz - 1);
    if (!(near > least)) return t;
    t = near;
    nx = (px + t * ux) / half[0];
    ny = (py + t * uy) / half[1];
    nz = (pz + t * uz) / half[2];
  } else {
    const side = nearRoot(ux * ux + uz * uz, px * ux + pz * uz, px * px + pz * pz - 1);
    const lid = (-Math.sign(uy) - py) / uy;
    if (side > least && Math.abs(py + side * uy) <= 1) {
      t = side;
      nx = (px + t * ux) / half[0];
      nz = (pz + t * uz) / half[2];
    } else if (lid > least && (px + lid * ux) ** 2 + (pz + lid * uz) ** 2 <= 1) {
      t = lid;
      ny = -Math.sign(uy);
    } else return t;
  }
  const length = Math.hypot(nx, ny, nz);
  hit[0] = (px + t * ux) * half[0];
  hit[1] = (py + t * uy) * half[1];
  hit[2] = (pz + t * uz) * half[2];
  hit[3] = nx / length;
  hit[4] = ny / length;
  hit[5] = nz / length;
  return t;
};

/** The smaller root of a t^2 + 2 b t + c, NaN where there is none. */
const nearRoot = (a: number, b: number, c: number): number => (-b - Math.sqrt(b * b - a * c)) / a;
