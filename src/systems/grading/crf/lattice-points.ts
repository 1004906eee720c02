/**
 * The occupied points of an integer lattice, numbered in the order in which they were first seen: an open-addressed hash table
 * with linear probing, on typed arrays that double when they are full.
 */
export class LatticePoints {
  /** How many points there are. */
  count = 0;
  private readonly dimensions: number;
  /** Coordinates of point after point, [count, dimensions]. */
  private coordinates: Int32Array;
  /** Number of the point in a place of the table, or -1. */
  private table: Int32Array;

  /** @param dimensions coordinates of a point. @param expected about how many points will come. */
  constructor(dimensions: number, expected: number) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, expected)));
    this.dimensions = dimensions;
    this.coordinates = new Int32Array(capacity * dimensions);
    this.table = new Int32Array(2 * capacity).fill(-1);
  }

  /** The number of a point, which is added when it is new. `point` holds its coordinates and may be longer. */
  add(point: Int32Array): number {
    const place = this.placeOf(point);
    if (this.table[place] >= 0) return this.table[place];
    const number = this.count++;
    for (let axis = 0; axis < this.dimensions; axis++) this.coordinates[number * this.dimensions + axis] = point[axis];
    this.table[place] = number;
    if (2 * this.count === this.table.length) this.grow();
    return number;
  }

  /** The number of a point, or -1 when it is not occupied. */
  find(point: Int32Array): number {
    return this.table[this.placeOf(point)];
  }

  /** Writes the coordinates of a point into `point`. */
  read(number: number, point: Int32Array): void {
    const from = number * this.dimensions;
    for (let axis = 0; axis < this.dimensions; axis++) point[axis] = this.coordinates[from + axis];
  }

  private placeOf(point: Int32Array): number {
    const { dimensions, coordinates, table } = this;
    const mask = table.length - 1;
    let hash = 0;
    for (let axis = 0; axis < dimensions; axis++) {
      hash = Math.imul(hash ^ point[axis], 0x85ebca6b);
      hash ^= hash >>> 13;
    }
    hash = Math.imul(hash, 0xc2b2ae35);
    let place = (hash ^ (hash >>> 16)) & mask;
    for (;;) {
      const number = table[place];
      if (number < 0) return place;
      let axis = 0;
      while (axis < dimensions && coordinates[number * dimensions + axis] === point[axis]) axis++;
      if (axis === dimensions) return place;
      place = (place + 1) & mask;
    }
  }

  private grow(): void {
    const coordinates = new Int32Array(2 * this.coordinates.length);
    coordinates.set(this.coordinates);
    this.coordinates = coordinates;
    this.table = new Int32Array(2 * this.table.length).fill(-1);
    const point = new Int32Array(this.dimensions);
    for (let number = 0; number < this.count; number++) {
      this.read(number, point);
      this.table[this.placeOf(point)] = number;
    }
  }
}
