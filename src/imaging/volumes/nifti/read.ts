import { endianness } from "node:os";
import { ImageError } from "../../image.ts";
import { openForReading } from "../../open.ts";
import { ImageProblem } from "../../readable.ts";
import { createVolume, type LabelVolume, labelsOf, type Volume, voxelsOf } from "../volume.ts";
import { byteSource } from "./byte-source.ts";
import { HEADER_BYTES, type NiftiHeader, readNiftiHeader } from "./header.ts";

export interface NiftiOptions {
  /** Which volume of a series in time, from 0. Needed when there are several. */
  readonly frame?: number;
}

export interface NiftiVolume {
  readonly volume: Volume;
  /** How voxels are stored, such as "int16". */
  readonly storedAs: string;
  /** What had to be assumed, as sentences for the user. */
  readonly notes: readonly string[];
}

/**
 * Reads a NIfTI-1 file (.nii, .nii.gz; the content decides): values with slope and intercept applied, the affine turned from NIfTI's RAS+
 * to LPS+. The index (i, j, k) is NIfTI's. Nothing of its free text leaves the reader. Memory: the volume and one slice more; what a
 * header claims and the file cannot hold is refused before memory is taken. Values that are no numbers stay as they are.
 * @throws ImageError that names the file for all that goes wrong.
 */
export const readNifti = async (path: string, options: NiftiOptions = {}): Promise<NiftiVolume> => {
  const { file, size } = await openForReading(path, path);
  try {
    if (size === 0) throw new ImageProblem("the file is empty. Copy it again or delete it.");
    const source = await byteSource(file, size);
    try {
      const header = readNiftiHeader(await source.read(HEADER_BYTES));
      const { grid, type, notes } = header;
      const frameBytes = voxelsOf(grid) * type.array.BYTES_PER_ELEMENT;
      const frame = frameOf(header, options);
      if (header.offset + frameBytes * (frame + 1) > source.limit) {
        throw new ImageProblem(
          `it claims ${grid.width} x ${grid.height} x ${grid.slices} voxels of ${type.array.BYTES_PER_ELEMENT} bytes, more than it can hold: it is damaged or cut short. Copy it again.`,
        );
      }
      await source.skip(header.offset - HEADER_BYTES + frameBytes * frame);
      const data = new Float32Array(voxelsOf(grid));
      const sliceVoxels = grid.width * grid.height;
      for (let k = 0; k < grid.slices; k++) {
        const bytes = await source.read(sliceVoxels * type.array.BYTES_PER_ELEMENT);
        readSlice(header, bytes, data.subarray(k * sliceVoxels, (k + 1) * sliceVoxels));
      }
      return { volume: createVolume(grid, data), storedAs: type.name, notes };
    } finally {
      source.close();
    }
  } catch (error) {
    if (error instanceof ImageError) throw error;
    if (error instanceof ImageProblem) throw new ImageError(path, error.message, error);
    throw new ImageError(path, `it is damaged (${error instanceof Error ? error.message : error}). Copy it again.`, error);
  } finally {
    await file.close();
  }
};

/** Reads classes from a NIfTI-1 file. @throws ImageError as `readNifti`, and when a value is not a whole number from -32768 to 32767. */
export const readNiftiLabels = async (path: string, options: NiftiOptions = {}): Promise<LabelVolume> => {
  const { volume } = await readNifti(path, options);
  try {
    return labelsOf(volume, "it");
  } catch (error) {
    throw new ImageError(path, (error as Error).message, error);
  }
};

const frameOf = ({ frames }: NiftiHeader, { frame }: NiftiOptions): number => {
  if (frame === undefined && frames > 1) {
    throw new ImageProblem(`it holds ${frames} volumes (in time). Say which one, from 0 to ${frames - 1}, or split it.`);
  }
  const chosen = frame ?? 0;
  if (!Number.isInteger(chosen) || chosen < 0 || chosen >= frames) {
    throw new ImageProblem(`it holds the volumes 0 to ${frames - 1}, not ${chosen}. Give another frame.`);
  }
  return chosen;
};

/** Buffers that are read begin where typed arrays may. */
const readSlice = ({ type, littleEndian, slope, intercept }: NiftiHeader, bytes: Buffer, values: Float32Array): void => {
  const size = type.array.BYTES_PER_ELEMENT;
  if (littleEndian !== (endianness() === "LE")) swap(bytes, size);
  const stored = new type.array(bytes.buffer as ArrayBuffer, bytes.byteOffset, values.length);
  for (let n = 0; n < values.length; n++) values[n] = Number(stored[n]) * slope + intercept;
};

const swap = (bytes: Buffer, size: number): void => {
  if (size === 2) bytes.swap16();
  if (size === 4) bytes.swap32();
  if (size === 8) bytes.swap64();
};
