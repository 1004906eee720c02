/** Keeps what was asked for last, up to a number of bytes; what is being made is made once and waited for by all who ask. */
export interface TileCache<Place, Tile> {
  /** A promise for each place; `make` is called for some of those that are not there at a time. */
  get(
    places: readonly Place[],
    make: (places: readonly Place[]) => Promise<readonly PromiseSettledResult<Tile>[]>,
  ): readonly Promise<Tile>[];
}

export interface TileCacheOptions<Place, Tile> {
  /** Bytes of tiles that are kept. */
  readonly limit: number;
  /** The most tiles that are made together, and how often that is done at the same time. */
  readonly together: number;
  readonly parallel: number;
  readonly keyOf: (place: Place) => string;
  readonly bytesOf: (tile: Tile) => number;
}

export const tileCache = <Place, Tile>(options: TileCacheOptions<Place, Tile>): TileCache<Place, Tile> => {
  const { limit, together, parallel, keyOf, bytesOf } = options;
  interface Entry {
    readonly tile: Promise<Tile>;
    /** 0 while it is being made. */
    bytes: number;
  }
  const kept = new Map<string, Entry>(); // in the order of their last use
  let total = 0;
  let running = 0;
  const waiting: (() => void)[] = [];

  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running === parallel) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
  const dropOldest = (): void => {
    for (const [key, { bytes }] of kept) {
      if (total <= limit) return;
      if (bytes === 0) continue;
      kept.delete(key);
      total -= bytes;
    }
  };
  const keep = (key: string, tile: Promise<Tile>): void => {
    const entry: Entry = { tile, bytes: 0 };
    kept.set(key, entry);
    tile.then(
      (made) => {
        entry.bytes = bytesOf(made);
        total += entry.bytes;
        dropOldest();
      },
      () => kept.delete(key),
    );
  };

  return {
    get: (places, make) => {
      const missing = places.filter((place) => !kept.has(keyOf(place)));
      const groups = Math.ceil(missing.length / together);
      for (let group = 0; group < groups; group++) {
        const [start, end] = [group, group + 1].map((edge) => Math.round((edge * missing.length) / groups));
        const members = missing.slice(start, end);
        const made = inTurn(() => make(members));
        for (const [i, place] of members.entries())
          keep(
            keyOf(place),
            made.then((results) => settledValue(results[i])),
          );
      }
      return places.map((place) => {
        const key = keyOf(place);
        const entry = kept.get(key)!;
        kept.delete(key);
        kept.set(key, entry);
        return entry.tile;
      });
    },
  };
};

const settledValue = <Value>(result: PromiseSettledResult<Value>): Value => {
  if (result.status === "rejected") throw result.reason;
  return result.value;
};
