import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { writeFileAtomic } from "../../../files/index.ts";
import { determinant3, type Matrix3, type Vector3 } from "../../matrix3.ts";
import { type Affine, columnOf, originOf, rasFromLps } from "../affine.ts";
import { checkGrid, isOrthogonal, spacingOf, type VolumeOf, type VoxelData } from "../volume.ts";
import { FIRST_VOXEL, HEADER_BYTES } from "./header.ts";

/** Codes of nifti1.h. */
const SCANNER = 1;
const MILLIMETRES = 2;

/**
 * Writes a volume or labels as NIfTI-1, little-endian, in the type of its data (float32, uint8 or int16), packed when the name ends in
 * ".gz". The affine stands in the sform, and in the qform too where it is a rotation with spacing. Nothing else is written about the
 * patient; equal volumes give equal bytes. Errors: as `writeFileAtomic`.
 * @throws RangeError when a side is longer than 32767 voxels, which the format cannot say.
 */
export const writeNifti = async (path: string, volume: VolumeOf<VoxelData>): Promise<void> => {
  const bytes = encodeNifti(volume);
  await writeFileAtomic(path, path.endsWith(".gz") ? await promisify(gzip)(bytes) : bytes);
};

const encodeNifti = (volume: VolumeOf<VoxelData>): Buffer => {
  checkGrid(volume);
  const { width, height, slices, data } = volume;
  if (Math.max(width, height, slices) > 32767) {
    throw new RangeError(
      `NIfTI-1 cannot hold ${width} x ${height} x ${slices} voxels: a side has at most 32767. Cut the volume.`,
    );
  }
  const bytes = Buffer.alloc(FIRST_VOXEL + data.length * data.BYTES_PER_ELEMENT);
  const shorts = (at: number, values: readonly number[]): void => {
    for (const [i, value] of values.entries()) bytes.writeInt16LE(value, at + 2 * i);
  };
  const floats = (at: number, values: readonly number[]): void => {
    for (const [i, value] of values.entries()) bytes.writeFloatLE(value, at + 4 * i);
  };
  bytes.writeInt32LE(HEADER_BYTES, 0);
  bytes.write("r", 38, "latin1");
  shorts(40, [3, width, height, slices, 1, 1, 1, 1]);
  shorts(70, data instanceof Float32Array ? [16, 32] : data instanceof Uint8Array ? [2, 8] : [4, 16]);
  const ras = rasFromLps(volume.affine);
  const rotation = isOrthogonal(volume) ? quaternionOf(ras, spacingOf(volume)) : undefined;
  floats(76, [rotation?.qfac ?? 1, ...spacingOf(volume)]);
  floats(108, [FIRST_VOXEL, 1, 0]);
  bytes.writeUInt8(MILLIMETRES, 123);
  shorts(252, [rotation ? SCANNER : 0, SCANNER]);
  if (rotation) floats(256, [...rotation.bcd, ...originOf(ras)]);
  floats(280, ras);
  bytes.write("n+1\0", 344, "latin1");
  writeVoxels(bytes, data);
  return bytes;
};

const writeVoxels = (bytes: Buffer, data: VoxelData): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + FIRST_VOXEL);
  if (data instanceof Float32Array) for (let n = 0; n < data.length; n++) view.setFloat32(4 * n, data[n], true);
  else if (data instanceof Uint8Array) bytes.set(data, FIRST_VOXEL);
  else for (let n = 0; n < data.length; n++) view.setInt16(2 * n, data[n], true);
};

/**
 * The unit quaternion of the axes, its real part not negative; a left-handed grid has its third axis turned round (qfac = -1). The largest
 * of its four components is taken from the diagonal, the others from it (Shepperd, Quaternion from rotation matrix, 1978).
 */
const quaternionOf = (affine: Affine, spacing: Vector3): { readonly bcd: Vector3; readonly qfac: number } => {
  const unit = (axis: 0 | 1 | 2): Vector3 => columnOf(affine, axis).map((v) => v / spacing[axis]) as unknown as Vector3;
  const columns: Matrix3 = [unit(0), unit(1), unit(2)];
  const qfac = determinant3(columns) < 0 ? -1 : 1;
  const r = (row: 0 | 1 | 2, column: 0 | 1 | 2): number => columns[column][row] * (column === 2 ? qfac : 1);
  const squares = [
    1 + r(0, 0) + r(1, 1) + r(2, 2),
    1 + r(0, 0) - r(1, 1) - r(2, 2),
    1 - r(0, 0) + r(1, 1) - r(2, 2),
    1 - r(0, 0) - r(1, 1) + r(2, 2),
  ];
  const largest = squares.indexOf(Math.max(...squares));
  const twice = Math.sqrt(squares[largest]);
  const [yx, xz, zy] = [r(1, 0) - r(0, 1), r(0, 2) - r(2, 0), r(2, 1) - r(1, 2)];
  const [xy, zx, yz] = [r(1, 0) + r(0, 1), r(0, 2) + r(2, 0), r(2, 1) + r(1, 2)];
  const [a, b, c, d] = [
    [twice * twice, zy, xz, yx],
    [zy, twice * twice, xy, zx],
    [xz, xy, twice * twice, yz],
    [yx, zx, yz, twice * twice],
  ][largest].map((value) => value / (2 * twice));
  const sign = a < 0 ? -1 : 1;
  return { bcd: [sign * b, sign * c, sign * d], qfac };
};
