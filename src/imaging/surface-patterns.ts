import type { Random } from "../random/index.ts";
import {
  band,
  blob,
  cellPosition,
  crookedLine,
  type Defect,
  mix,
  modulo,
  type Paint,
  rotatedPatch,
  type Shade,
  scale,
} from "./surface-shapes.ts";

/**
 * The painted surfaces of `surfaces.ts`. A pattern tells the colour at every point of an endless plane; an image shows
 * about 128 x 128 units of it around the origin.
 */
export interface Pattern {
  colour: Paint;
  /** What can break this pattern: draws a place and shape for each kind of defect. */
  defects: Record<string, (draw: Random) => Defect>;
}

/** Tartan: warp and weft threads of a repeating colour sequence in a 2/2 twill. */
export const fabric = (): Pattern => {
  const thread = 8;
  const navy: Shade = [0.13, 0.2, 0.42];
  const teal: Shade = [0.1, 0.45, 0.5];
  const cream: Shade = [0.96, 0.9, 0.76];
  const rust: Shade = [0.72, 0.27, 0.16];
  const sequence = [navy, navy, teal, teal, cream, teal, teal, rust];
  /** A thread seen from above: round across, bent down at the ends of its float, twisted fibres. */
  const threadColour = (index: number, across: number, along: number, floating: number): Shade => {
    const round = Math.sqrt(Math.max(0, 1 - across * across));
    const fibres = 0.07 * Math.sin(along * 1.9 + across * 2.6);
    return scale(sequence[modulo(index, sequence.length)], 0.3 + 0.75 * round * (1 - 0.35 * floating * floating) + fibres);
  };
  const warpColour = (u: number, v: number, floating: number): Shade =>
    threadColour(Math.floor(u / thread), cellPosition(u, thread), v, floating);
  const weftColour = (u: number, v: number, floating: number): Shade =>
    threadColour(Math.floor(v / thread) + 3, cellPosition(v, thread), u, floating);
  const colour: Paint = (u, v) => {
    const i = Math.floor(u / thread);
    const j = Math.floor(v / thread);
    const step = modulo(i + j, 4);
    const isWarp = step < 2;
    const cell = isWarp ? cellPosition(v, thread) : cellPosition(u, thread);
    const floating = step % 2 === 0 ? (cell - 1) / 2 : (cell + 1) / 2;
    return isWarp ? warpColour(u, v, floating) : weftColour(u, v, floating);
  };
  return {
    colour,
    defects: {
      // One warp thread is missing over some length: the weft lies bare, flat, with gaps between its threads.
      broken_thread: (draw) => {
        const left = draw.integer(-5, 4) * thread;
        const top = draw.uniform(-50, -10);
        const bottom = top + draw.uniform(36, 56);
        return {
          covers: (u, v) => u >= left && u < left + thread && v >= top && v < bottom,
          colour: (u, v) => threadColour(Math.floor(v / thread) + 3, 1.3 * cellPosition(v, thread), u, 0.6),
        };
      },
      rotated_patch: (draw) => rotatedPatch(draw, colour),
      // Dried liquid: a brown film that swallows part of the weave's contrast.
      stain: (draw) => {
        const covers = blob(draw, 11, 17);
        const film: Shade = [0.36, 0.27, 0.15];
        return { covers, colour: (u, v) => mix(colour(u, v), film, 0.68) };
      },
    },
  };
};

/** Glazed tiles whose quarter rings join to circles; each tile is a quarter turn of its neighbours. */
export const tiles = (): Pattern => {
  const side = 32;
  const grout: Shade = [0.62, 0.59, 0.55];
  const cobalt: Shade = [0.1, 0.25, 0.58];
  const ochre: Shade = [0.9, 0.62, 0.16];
  const glaze: Shade = [0.94, 0.93, 0.88];
  /** The motif in one tile's own coordinates, 0 .. side from the corner that its two rings do not touch. */
  const motif = (x: number, y: number): Shade => {
    const corner = Math.min(Math.hypot(x, y), Math.hypot(x - side, y - side));
    const other = Math.min(Math.hypot(x - side, y), Math.hypot(x, y - side));
    let shade = mix(glaze, cobalt, band(corner, 13, 19));
    shade = mix(shade, cobalt, band(corner, 8.5, 10));
    shade = mix(shade, ochre, band(other, -1, 8));
    const glint = Math.exp(-((x - 16) ** 2 + (y - 16) ** 2) / 6);
    return mix(shade, [1, 1, 1], 0.9 * glint);
  };
  const tile = (u: number, v: number, turned: boolean): Shade => {
    const x = modulo(u, side);
    const y = modulo(v, side);
    const odd = modulo(Math.floor(u / side) + Math.floor(v / side), 2) === 1;
    const edge = Math.min(x, y, side - x, side - y);
    const face = odd !== turned ? motif(side - x, y) : motif(x, y);
    return mix(grout, scale(face, 0.82 + 0.18 * band(edge, 3, side)), band(edge, 1.3, side));
  };
  const colour: Paint = (u, v) => tile(u, v, false);
  const someTile = (draw: Random) => {
    const left = draw.integer(-1, 0) * side;
    const top = draw.integer(-1, 0) * side;
    return (u: number, v: number): boolean => u >= left + 1 && u < left + side - 1 && v >= top + 1 && v < top + side - 1;
  };
  return {
    colour,
    defects: {
      turned_tile: (draw) => ({ covers: someTile(draw), colour: (u, v) => tile(u, v, true) }),
      // The bed of mortar with the furrows of the trowel.
      missing_tile: (draw) => ({
        covers: someTile(draw),
        colour: (u, v) => {
          const furrows = 0.11 * Math.sin(0.8 * v + 1.4 * Math.sin(u / 7));
          return scale([0.52, 0.46, 0.39], 0.92 + furrows + 0.07 * Math.sin(1.7 * u + 2.3 * v) * Math.sin(2.6 * u - 1.1 * v));
        },
      }),
      crack: (draw) => {
        const distance = crookedLine(draw, 9, 9);
        return {
          covers: (u, v) => distance(u, v) < 1.9,
          colour: (u, v) => mix(colour(u, v), [0.24, 0.2, 0.18], 0.85 * band(-distance(u, v), -1.2, 1)),
        };
      },
    },
  };
};

/** A printed circuit board: a bus of parallel bent tracks and, after every third, a row of plated holes. */
export const circuit = (): Pattern => {
  const pitch = 8;
  const board: Shade = [0.04, 0.27, 0.17];
  const copper: Shade = [0.2, 0.62, 0.34];
  const gold: Shade = [0.93, 0.76, 0.36];
  /** How far the tracks have stepped aside at u: along, down at 45 degrees, along, and up again. */
  const bend = (u: number): number => {
    const x = modulo(u, 64);
    return Math.min(Math.max(x - 12, 0), 12, Math.max(0, 56 - x));
  };
  const lane = (u: number, v: number): number => Math.floor((v - bend(u)) / pitch);
  const fromLane = (u: number, v: number): number => modulo(v - bend(u), pitch) - pitch / 2;
  const isHoleLane = (index: number): boolean => modulo(index, 4) === 3;
  const ground: Paint = (u, v) => scale(board, 1 + 0.12 * Math.sin(u * 2.2) * Math.sin(v * 2.2));
  const track = (shade: Shade, distance: number): Shade => {
    const ridge = 1 + 0.25 * band(distance, 0.2, 1.4) - 0.2 * band(-distance, 0.6, 2);
    return mix(shade, scale(copper, ridge), band(-Math.abs(distance), -2.1, 1));
  };
  const hole = (shade: Shade, distance: number, towardsLight: number): Shade => {
    const ring = mix(shade, scale(gold, 0.95 + 0.25 * towardsLight), band(-distance, -5.2, 1));
    return mix(ring, [0.05, 0.06, 0.06], band(-distance, -2.3, 1));
  };
  /** Draws the holes with `shift` units of drilling error, on top of what lies below. */
  const holes = (u: number, v: number, below: Shade, shift: number): Shade => {
    let shade = below;
    for (const middle of [8, 40]) {
      const x = modulo(u - middle + 32 - shift, 64) - 32;
      const row = modulo(v - bend(middle) - 3.5 * pitch + 16 - shift, 32) - 16;
      const distance = Math.hypot(x, row);
      if (distance < 7) shade = hole(shade, distance, -(x + row) / Math.max(2, distance * 1.4));
    }
    return shade;
  };
  const lines: Paint = (u, v) => (isHoleLane(lane(u, v)) ? ground(u, v) : track(ground(u, v), fromLane(u, v)));
  const colour: Paint = (u, v) => holes(u, v, lines(u, v), 0);
  /** A piece of the board over one track or two; `from` and `to` count from the upper edge of the first one's lane. */
  const onTrack = (draw: Random, from: number, to: number, shortest: number, longest: number) => {
    const index = [-7, -4, -3, 0, 1, 4][draw.integer(0, 5)];
    const middle = draw.uniform(-40, 40);
    const halfLength = draw.uniform(shortest, longest) / 2;
    return (u: number, v: number): boolean => {
      const offset = v - bend(u) - index * pitch;
      return Math.abs(u - middle) < halfLength && offset >= from && offset < to;
    };
  };
  const aroundHole = (draw: Random, reach: number, shift: number) => {
    const u = draw.integer(0, 1) === 0 ? 8 : draw.integer(0, 1) * 64 - 24;
    const v = bend(u) + 3.5 * pitch + 32 * draw.integer(-2, 0);
    return (x: number, y: number): boolean => Math.hypot(x - u - shift, y - v - shift) < reach;
  };
  return {
    colour,
    defects: {
      open_track: (draw) => ({ covers: onTrack(draw, 1, 7, 13, 20), colour: (u, v) => holes(u, v, ground(u, v), 0) }),
      // Copper that was not etched away joins two tracks.
      short: (draw) => ({ covers: onTrack(draw, 3, 13, 8, 13), colour: (u, v) => holes(u, v, scale(copper, 1.1), 0) }),
      missing_hole: (draw) => ({ covers: aroundHole(draw, 6.5, 0), colour: lines }),
      shifted_hole: (draw) => ({ covers: aroundHole(draw, 9, 2), colour: (u, v) => holes(u, v, lines(u, v), 4) }),
    },
  };
};

/** Brushed steel with rows of round holes, every other row shifted by half. The brush marks differ on every sheet. */
export const grille = (sheet: Random): Pattern => {
  const pitch = 16;
  const height = 14;
  const marks = Float32Array.from({ length: 512 }, () => sheet.normal());
  const tint: Shade = [0.66, 0.69, 0.72];
  const steel = (u: number, v: number): Shade => {
    const line = modulo(v * 2, 512);
    const before = Math.floor(line);
    const mark = marks[before] + (line - before) * (marks[(before + 1) % 512] - marks[before]);
    return scale(tint, 1 + 0.045 * mark * (1 + 0.3 * Math.sin(u / 23 + mark)));
  };
  const punched = (u: number, v: number, distance: number, below: number): Shade => {
    const bevel = mix(steel(u, v), below < 0 ? [0.4, 0.42, 0.45] : [0.98, 0.98, 0.96], 0.9 * band(-distance, -5.9, 1));
    return mix(bevel, [0.11, 0.12, 0.15], band(-distance, -4.6, 1));
  };
  const holeAt = (row: number, column: number): [number, number] => [
    (column + (modulo(row, 2) === 0 ? 0 : 0.5)) * pitch,
    row * height,
  ];
  const nearestHole = (u: number, v: number): [number, number] => {
    const row = Math.round(v / height);
    return holeAt(row, Math.round(u / pitch - (modulo(row, 2) === 0 ? 0 : 0.5)));
  };
  const colour: Paint = (u, v) => {
    const [x, y] = nearestHole(u, v);
    return punched(u, v, Math.hypot(u - x, v - y), v - y);
  };
  const someHole = (draw: Random) => holeAt(draw.integer(-3, 3), draw.integer(-3, 2));
  return {
    colour,
    defects: {
      blocked_hole: (draw) => {
        const [x, y] = someHole(draw);
        return { covers: (u, v) => Math.hypot(u - x, v - y) < 6.6, colour: steel };
      },
      shifted_hole: (draw) => {
        const [x, y] = someHole(draw);
        const turn = draw.integer(0, 2) * 2.1;
        const [du, dv] = [3.2 * Math.cos(turn), 3.2 * Math.sin(turn)];
        const moved: Paint = (u, v) => punched(u, v, Math.hypot(u - x - du, v - y - dv), v - y - dv);
        return { covers: (u, v) => Math.hypot(u - x - du / 2, v - y - dv / 2) < 8, colour: moved };
      },
      rotated_patch: (draw) => rotatedPatch(draw, colour),
      scratch: (draw) => {
        const distance = crookedLine(draw, 8, 8);
        const isSteel = (u: number, v: number): boolean => {
          const [x, y] = nearestHole(u, v);
          return Math.hypot(u - x, v - y) > 6;
        };
        return {
          covers: (u, v) => distance(u, v) < 2.5 && isSteel(u, v),
          colour: (u, v) => mix([0.92, 0.93, 0.94], [0.3, 0.31, 0.33], band(-distance(u, v), -1.5, 1)),
        };
      },
    },
  };
};
