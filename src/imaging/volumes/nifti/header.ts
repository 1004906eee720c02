import { ImageProblem } from "../../readable.ts";
import { type Affine, lpsFromRas } from "../affine.ts";
import { checkGrid, type Grid, MAX_VOXELS } from "../volume.ts";

/** Bytes of the header, and where voxels may begin: four more bytes say whether extensions follow. */
export const HEADER_BYTES = 348;
export const FIRST_VOXEL = 352;

type Stored =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** One way to store a voxel. */
export interface NiftiType {
  readonly name: string;
  readonly array: { new (buffer: ArrayBuffer, offset: number, length: number): Stored; readonly BYTES_PER_ELEMENT: number };
}

/** By their code (nifti1.h, DT_...). */
const types: Readonly<Record<number, NiftiType>> = {
  2: { name: "uint8", array: Uint8Array },
  4: { name: "int16", array: Int16Array },
  8: { name: "int32", array: Int32Array },
  16: { name: "float32", array: Float32Array },
  64: { name: "float64", array: Float64Array },
  256: { name: "int8", array: Int8Array },
  512: { name: "uint16", array: Uint16Array },
  768: { name: "uint32", array: Uint32Array },
  1024: { name: "int64", array: BigInt64Array },
  1280: { name: "uint64", array: BigUint64Array },
};

const unread: Readonly<Record<number, string>> = {
  1: "single bits",
  32: "complex numbers",
  128: "RGB colours",
  1536: "128-bit numbers",
  1792: "complex numbers",
  2048: "complex numbers",
  2304: "RGBA colours",
};

/** What of a NIfTI-1 header is used; free text (descrip, db_name, aux_file, intent_name) is not, for it may name the patient. */
export interface NiftiHeader {
  readonly littleEndian: boolean;
  readonly type: NiftiType;
  readonly grid: Grid;
  /** Volumes along the fourth dimension, time. */
  readonly frames: number;
  /** Where the first voxel lies in the file. */
  readonly offset: number;
  /** value = slope stored + intercept; 1 and 0 where the file has none. */
  readonly slope: number;
  readonly intercept: number;
  /** What had to be assumed, as sentences. */
  readonly notes: readonly string[];
}

/** Reads the 348 bytes of a header (the NIfTI-1 data format, nifti1.h). @throws ImageProblem for all that cannot be read. */
export const readNiftiHeader = (bytes: Buffer): NiftiHeader => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const littleEndian = endianness(view);
  const short = (at: number): number => view.getInt16(at, littleEndian);
  const float = (at: number): number => view.getFloat32(at, littleEndian);

  requireSingleFile(bytes.toString("latin1", 344, 348));
  const type = types[short(70)];
  if (type === undefined) {
    throw new ImageProblem(
      `its voxels are ${unread[short(70)] ?? `of an unknown type (datatype ${short(70)})`}, which are not read. Save it with voxels of one number each, such as int16 or float32.`,
    );
  }
  const sizes = sizesOf(Array.from({ length: 8 }, (_, i) => short(40 + 2 * i)));
  const notes: string[] = [];
  const affine = lpsFromRas(scaled(rasAffine(float, short, sizes.slices, notes), unitOf(view.getUint8(123), notes)));
  const grid = { width: sizes.width, height: sizes.height, slices: sizes.slices, affine };
  try {
    checkGrid(grid);
  } catch (error) {
    throw new ImageProblem((error as Error).message);
  }
  const offset = float(108);
  if (!Number.isInteger(offset) || offset < FIRST_VOXEL) {
    throw new ImageProblem(`it is damaged: it says that its voxels begin at byte ${offset}, inside its header. Save it again.`);
  }
  const [slope, intercept] = [float(112), float(116)];
  const isScaled = Number.isFinite(slope) && slope !== 0;
  return {
    ...{ littleEndian, type, grid, frames: sizes.frames, offset, notes },
    slope: isScaled ? slope : 1,
    intercept: isScaled && Number.isFinite(intercept) ? intercept : 0,
  };
};

/** The header's first number is its size. */
const endianness = (view: DataView): boolean => {
  if (view.getInt32(0, true) === HEADER_BYTES) return true;
  if (view.getInt32(0, false) === HEADER_BYTES) return false;
  if (view.getInt32(0, true) === 540 || view.getInt32(0, false) === 540) {
    throw new ImageProblem("it is a NIfTI-2 file; NIfTI-1 is read. Convert it, for example with nibabel or mri_convert.");
  }
  throw new ImageProblem("it is not a NIfTI-1 file, whatever its name says. Give a .nii or .nii.gz file.");
};

const requireSingleFile = (magic: string): void => {
  if (magic === "n+1\0") return;
  if (magic === "ni1\0") {
    throw new ImageProblem("it is a NIfTI header whose voxels lie in another file (.hdr and .img). Save both as one .nii file.");
  }
  throw new ImageProblem("it is an ANALYZE 7.5 file, which does not say where left and right are. Save it as NIfTI-1 (.nii).");
};

/** dim: how many dimensions there are, then their sizes. */
const sizesOf = (dim: readonly number[]): { width: number; height: number; slices: number; frames: number } => {
  const count = dim[0];
  const sizes = dim.slice(1, 1 + count);
  if (count < 1 || count > 7 || sizes.some((size) => size < 1)) {
    throw new ImageProblem(`it is damaged: it claims dimensions [${dim.join(", ")}]. Save it again.`);
  }
  const [width, height = 1, slices = 1, frames = 1, ...more] = sizes;
  if (more.some((size) => size > 1)) {
    throw new ImageProblem(
      `each voxel has ${more.reduce((a, b) => a * b)} values (dimensions 5 to 7), not one. Save one value a voxel.`,
    );
  }
  if (width * height * slices > MAX_VOXELS) {
    throw new ImageProblem(
      `it claims ${width} x ${height} x ${slices} voxels, more than the limit of ${MAX_VOXELS}. Cut it or resample it.`,
    );
  }
  return { width, height, slices, frames };
};

/** xyzt_units, its three lowest bits: metres, millimetres or micrometres. */
const unitOf = (units: number, notes: string[]): number => {
  const unit = units & 7;
  if (unit === 1) return 1000;
  if (unit === 3) return 1e-3;
  if (unit !== 2) notes.push("It does not name its unit of length: taken as millimetres.");
  return 1;
};

const scaled = (affine: Affine, factor: number): Affine =>
  factor === 1 ? affine : (affine.map((value) => value * factor) as unknown as Affine);

/**
 * From voxel index to RAS+. The standard has three ways: the sform, a matrix, where sform_code > 0; else the qform, a rotation with
 * spacing, where qform_code > 0; else spacing alone.
 */
const rasAffine = (float: (at: number) => number, short: (at: number) => number, slices: number, notes: string[]): Affine => {
  if (short(254) > 0) {
    const sform = Array.from({ length: 12 }, (_, i) => float(280 + 4 * i)) as unknown as Affine;
    if (spansSpace(sform)) return sform;
    if (short(252) > 0) notes.push("Its sform does not span space: its qform is used.");
  }
  const pixdim = Array.from({ length: 4 }, (_, i) => float(76 + 4 * i));
  const spacing = pixdim.slice(1).map((mm, axis) => {
    const positive = Math.abs(mm);
    if (Number.isFinite(positive) && positive > 0) return positive;
    if (axis === 2 && slices === 1) return 1;
    throw new ImageProblem(`it is damaged: voxels that are ${mm} mm wide (pixdim[${axis + 1}]). Save it again.`);
  });
  if (short(252) > 0) {
    const [b, c, d, x, y, z] = Array.from({ length: 6 }, (_, i) => float(256 + 4 * i));
    return quaternionAffine([b, c, d], [x, y, z], spacing, pixdim[0] < 0 ? -1 : 1);
  }
  notes.push("It does not say how it lies in the patient (no sform or qform): its axes are taken as right, anterior, superior.");
  return [spacing[0], 0, 0, 0, 0, spacing[1], 0, 0, 0, 0, spacing[2], 0];
};

const spansSpace = (affine: Affine): boolean => {
  try {
    checkGrid({ width: 1, height: 1, slices: 1, affine });
    return true;
  } catch {
    return false;
  }
};

/** The rotation of the unit quaternion (a, b, c, d), a = sqrt(1 - b^2 - c^2 - d^2), times the spacing; qfac turns k round (nifti1.h). */
const quaternionAffine = (
  quaternion: readonly number[],
  [x, y, z]: readonly number[],
  [di, dj, dk]: readonly number[],
  qfac: number,
): Affine => {
  const rest = 1 - quaternion.reduce((sum, value) => sum + value * value, 0);
  if (!Number.isFinite(rest + x + y + z) || rest < -1e-2) {
    throw new ImageProblem("it is damaged: its qform is no rotation. Save it again.");
  }
  // Rounding can leave a little more than a unit quaternion: a half turn.
  const scale = rest < 1e-7 ? 1 / Math.hypot(...quaternion) : 1;
  const a = rest < 1e-7 ? 0 : Math.sqrt(rest);
  const [b, c, d] = quaternion.map((value) => value * scale);
  const k = dk * qfac;
  return [
    ...[(a * a + b * b - c * c - d * d) * di, 2 * (b * c - a * d) * dj, 2 * (b * d + a * c) * k, x],
    ...[2 * (b * c + a * d) * di, (a * a + c * c - b * b - d * d) * dj, 2 * (c * d - a * b) * k, y],
    ...[2 * (b * d - a * c) * di, 2 * (c * d + a * b) * dj, (a * a + d * d - b * b - c * c) * k, z],
  ] as unknown as Affine;
};
