import { ByteBuffer } from "flatbuffers";
import { GraphError } from "../../tensor.ts";

/** Bytes of an offset, of a length, and of a whole number. */
const WORD = 4;

/** The bytes of a file, and how much of them its tables may still name. */
interface Source {
  readonly buffer: ByteBuffer;
  readonly size: number;
  /** A sound file stores every list once, so all of them together hold no more elements than it has bytes. */
  elementsLeft: number;
}

/**
 * A table of a flatbuffer. Its fields are numbered from 0 in their schema's order, and any may be left out of the file.
 * Nothing outside the file is read, whatever it holds.
 */
export class Table {
  private readonly source: Source;
  private readonly position: number;
  private readonly directory: number;
  private readonly directorySize: number;

  /** @throws GraphError when the table does not lie in the file. */
  constructor(source: Source, position: number) {
    this.source = source;
    this.position = inside(source, position, WORD);
    this.directory = inside(source, position - source.buffer.readInt32(position), WORD);
    this.directorySize = source.buffer.readUint16(this.directory);
    inside(source, this.directory, this.directorySize);
  }

  /** A number of 8 bits, from 0 on. */
  byte(field: number, fallback: number): number {
    const at = this.field(field, 1);
    return at === undefined ? fallback : this.source.buffer.readUint8(at);
  }

  /** A number of 32 bits with its sign. */
  int(field: number, fallback: number): number {
    const at = this.field(field, WORD);
    return at === undefined ? fallback : this.source.buffer.readInt32(at);
  }

  /** "" when it is left out. */
  text(field: number): string {
    const bytes = this.bytes(field);
    if (bytes === undefined) return "";
    spend(this.source, bytes.length);
    return new TextDecoder().decode(bytes);
  }

  /** A view of the file, which may begin anywhere. */
  bytes(field: number): Uint8Array | undefined {
    const list = this.list(field, 1);
    return list && this.source.buffer.bytes().subarray(list.start, list.start + list.length);
  }

  ints(field: number): readonly number[] | undefined {
    return this.words(field)?.map((at) => this.source.buffer.readInt32(at));
  }

  table(field: number): Table | undefined {
    const at = this.field(field, WORD);
    return at === undefined ? undefined : new Table(this.source, follow(this.source, at));
  }

  /** None when the list is left out. */
  tables(field: number): readonly Table[] {
    return (this.words(field) ?? []).map((at) => new Table(this.source, follow(this.source, at)));
  }

  /** Where the elements of a list of words lie. */
  private words(field: number): readonly number[] | undefined {
    const list = this.list(field, WORD);
    if (list === undefined) return undefined;
    spend(this.source, list.length);
    return Array.from({ length: list.length }, (_, index) => list.start + index * WORD);
  }

  private list(field: number, elementSize: number) {
    const at = this.field(field, WORD);
    if (at === undefined) return undefined;
    const position = inside(this.source, follow(this.source, at), WORD);
    const length = this.source.buffer.readUint32(position);
    return { start: inside(this.source, position + WORD, length * elementSize), length };
  }

  /** Where a field lies, if the table has it: its directory holds two sizes, then the fields' distances, 0 for those left out. */
  private field(field: number, size: number): number | undefined {
    const entry = WORD + 2 * field;
    if (entry + 2 > this.directorySize) return undefined;
    const distance = this.source.buffer.readUint16(this.directory + entry);
    return distance === 0 ? undefined : inside(this.source, this.position + distance, size);
  }
}

/** The first table of a file. @throws GraphError when the file lacks the identifier, four letters after its first offset. */
export const rootTable = (bytes: Uint8Array, identifier: string): Table => {
  const buffer = new ByteBuffer(bytes);
  if (bytes.length < WORD + identifier.length || !buffer.__has_identifier(identifier)) {
    throw new GraphError(`The file is not a TFLite model: its bytes 4 to 7 are not "${identifier}".`);
  }
  const source = { buffer, size: bytes.length, elementsLeft: bytes.length };
  return new Table(source, follow(source, 0));
};

/** Where an offset leads. */
const follow = (source: Source, at: number): number => at + source.buffer.readUint32(inside(source, at, WORD));

/** The start of a part of the file. @throws GraphError when some of it lies outside. */
const inside = ({ size }: Source, start: number, length: number): number => {
  if (start >= 0 && start + length <= size) return start;
  throw new GraphError(
    `The file is no sound TFLite model: it has ${size} bytes, but speaks of ${length} at ${start}; it is cut short or damaged.`,
  );
};

const spend = (source: Source, elements: number): void => {
  source.elementsLeft -= elements;
  if (source.elementsLeft >= 0) return;
  throw new GraphError("The file is no sound TFLite model: its lists hold more than it has bytes; it is damaged.");
};
