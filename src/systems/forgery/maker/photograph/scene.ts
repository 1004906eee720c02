import { type Random, random } from "../../../../random/index.ts";
import { type Colour, colourOfHue, type Material, naturalColour, type Pattern, randomMaterial } from "./material.ts";
import { type FractalNoise, fractalNoise, gradientNoise, type Noise, newSample } from "./noise.ts";
import { type Solid, solid, turned } from "./solids.ts";

const places = ["landscape", "room", "ground"] as const;
export type Place = (typeof places)[number];

/** A row of hills, by the tangent of their height above the horizon against the direction in which one looks. */
export interface Hills {
  readonly profile: (direction: number) => number;
  readonly colour: Colour;
  /** How much of the haze's colour lies over them, 0 .. 1. */
  readonly haze: number;
}

export interface Scene {
  readonly place: Place;
  readonly solids: readonly Solid[];
  readonly ground: Material;
  readonly wall: { readonly distance: number; readonly material: Material } | undefined;
  readonly sky: {
    readonly zenith: Colour;
    readonly horizon: Colour;
    readonly clouds: FractalNoise;
    readonly cover: number;
    /** From near to far. */
    readonly hills: readonly Hills[];
  };
  /** Towards the sun or lamp; its colour, and how wide it is, as the tangent of its radius. */
  readonly light: { readonly direction: readonly [number, number, number]; readonly colour: Colour; readonly width: number };
  /** Light from above and from below. */
  readonly ambient: { readonly above: Colour; readonly below: Colour };
  readonly eye: {
    readonly height: number;
    /** Downwards, in radians. */
    readonly pitch: number;
    /** Tangent of half the angle of view along the longer side. */
    readonly spread: number;
  };
  /** The distance at which the haze has covered 63 %. */
  readonly haze: number;
  /** The distance in focus, and the standard deviation of blur, as a share of the longer side, of what is at infinity. */
  readonly focus: { readonly distance: number; readonly blur: number };
}

/** A scene that follows from its keys: a landscape, a room or the ground seen from above, with solids that hide each other. */
export const randomScene = (...keys: readonly (number | string)[]): Scene => {
  const source = random(...keys, "scene");
  const noise = gradientNoise(source);
  const place = places[source.choice([0.36, 0.4, 0.24])];
  const outside = place === "landscape" || source.uniform() < 0.5;
  const eye =
    place === "ground"
      ? { height: source.uniform(1.4, 3), pitch: source.uniform(0.75, 1.45), spread: source.uniform(0.25, 0.6) }
      : place === "room"
        ? { height: source.uniform(0.7, 2), pitch: source.uniform(0.1, 0.55), spread: source.uniform(0.25, 0.55) }
        : { height: source.uniform(0.7, 2.4), pitch: source.uniform(-0.1, 0.22), spread: source.uniform(0.3, 0.65) };
  const wallAt = source.uniform(4, 8);
  const solids = solidsOf[place](source, noise, eye, wallAt);
  const elevation = source.uniform(0.35, 1.25);
  const azimuth = source.uniform(0.15, Math.PI - 0.15) * (source.uniform() < 0.75 ? -1 : 1);
  const warmth = source.uniform(-0.12, 0.3);
  const strength = outside ? source.uniform(1.2, 3.2) : source.uniform(0.6, 2.2);
  const overcast = source.uniform() < 0.25;
  const skyHue = source.normal(0.57, 0.02);
  const zenith = colourOfHue(skyHue, overcast ? source.uniform(0.03, 0.15) : source.uniform(0.3, 0.75), source.uniform(0.5, 1.1));
  const horizon = colourOfHue(source.uniform() < 0.25 ? 0.08 : skyHue, source.uniform(0.02, 0.25), source.uniform(0.8, 1.5));
  const amount = source.uniform(0.25, 0.8);
  const above: Colour = [0, 1, 2].map((c) => amount * (outside ? 0.5 * (zenith[c] + horizon[c]) : 0.8)) as unknown as Colour;
  const bounce = source.uniform(0.15, 0.5);
  const focusAt = solids.length > 0 ? distanceTo(solids[0], eye.height) : source.uniform(2, 10);
  return {
    place,
    solids,
    ground: groundOf(source, noise, place),
    wall: place === "room" ? { distance: wallAt, material: wallOf(source, noise) } : undefined,
    sky: {
      zenith,
      horizon,
      clouds: fractalNoise(noise, 8, source.uniform(0.5, 0.62)),
      cover: overcast ? source.uniform(0.3, 0.9) : source.uniform(-0.6, 0.4),
      hills: hillsOf(source, noise, horizon),
    },
    light: {
      direction: [Math.cos(elevation) * Math.cos(azimuth), Math.sin(elevation), Math.cos(elevation) * Math.sin(azimuth)],
      colour: [strength * (1 + warmth), strength, strength * (1 - warmth)].map((light) =>
        overcast ? 0.25 * light : light,
      ) as unknown as Colour,
      width: overcast ? 0.5 : outside ? source.uniform(0.01, 0.04) : source.uniform(0.04, 0.3),
    },
    ambient: { above, below: [above[0] * bounce * 1.1, above[1] * bounce, above[2] * bounce * 0.85] },
    eye,
    haze: place === "landscape" ? 2 ** source.uniform(4.5, 8) : 1000,
    focus: { distance: focusAt, blur: source.uniform() < 0.45 ? source.uniform(0.002, 0.02) : 0 },
  };
};

type SolidsOf = (source: Random, noise: Noise, eye: Scene["eye"], wall: number) => Solid[];

const solidsOf: Readonly<Record<Place, SolidsOf>> = {
  landscape: (source, noise, eye) => {
    const solids: Solid[] = [];
    const count = source.integer(2, 9);
    for (let i = 0; i < count; i++) {
      const z = 2.5 * 2 ** source.uniform(0, 3.2);
      const x = source.uniform(-1, 1) * eye.spread * z;
      const kind = source.choice([0.45, 0.3, 0.25]);
      if (kind === 0) solids.push(stone(source, noise, x, z, source.uniform(0.2, 0.9)));
      else if (kind === 1) solids.push(...tree(source, noise, x, z));
      else solids.push(block(source, noise, x, z, source.uniform(0.3, 1.4)));
    }
    return solids;
  },
  room: (source, noise, eye, wall) => {
    const solids: Solid[] = [];
    const count = source.integer(3, 9);
    for (let i = 0; i < count; i++) {
      const z = source.uniform(eye.height * 1.2, wall - 0.6);
      const x = source.uniform(-1, 1) * eye.spread * z;
      const size = source.uniform(0.12, 0.55);
      const kind = source.choice([0.35, 0.35, 0.3]);
      if (kind === 0) solids.push(ball(source, noise, x, z, size));
      else if (kind === 1) solids.push(block(source, noise, x, z, size));
      else solids.push(can(source, noise, x, z, size));
    }
    return solids;
  },
  ground: (source, noise, eye) => {
    const solids: Solid[] = [];
    const leaves = source.uniform() < 0.5;
    const count = source.integer(6, 40);
    const middle = eye.height / Math.tan(eye.pitch);
    const reach = 1.3 * eye.spread * Math.hypot(eye.height, middle);
    const colour = naturalColour(source);
    const size = source.uniform(0.06, 0.3) * reach;
    for (let i = 0; i < count; i++) {
      const [x, z] = [source.uniform(-reach, reach), middle + source.uniform(-reach, reach)];
      const own = size * 2 ** source.uniform(-1, 0.7);
      solids.push(leaves ? leaf(source, noise, x, z, own, colour) : stone(source, noise, x, z, own));
    }
    return solids;
  },
};

const stone = (source: Random, noise: Noise, x: number, z: number, size: number): Solid => {
  const half = [size * source.uniform(0.7, 1.3), size * source.uniform(0.4, 0.9), size * source.uniform(0.7, 1.3)] as const;
  const material = randomMaterial(source, noise, {
    patterns: ["mottled", "veined"],
    colour: naturalColour(source),
    size: [0.5 * size, 2 * size],
    relief: [0.15, 0.45],
  });
  return solid(
    "ellipsoid",
    [x, half[1] * source.uniform(0.3, 0.8), z],
    half,
    turned(source.uniform(0, 7), source.uniform(-0.4, 0.4)),
    material,
  );
};

const ball = (source: Random, noise: Noise, x: number, z: number, size: number): Solid => {
  const height = size * source.uniform(0.7, 1.3);
  const material = randomMaterial(source, noise, { size: [0.3 * size, 1.2 * size], relief: [0, 0.12] });
  return solid(
    "ellipsoid",
    [x, height, z],
    [size, height, size],
    turned(source.uniform(0, 7), source.uniform(-0.2, 0.2)),
    material,
  );
};

const block = (source: Random, noise: Noise, x: number, z: number, size: number): Solid => {
  const half = [size * source.uniform(0.4, 1), size * source.uniform(0.3, 1.3), size * source.uniform(0.4, 1)] as const;
  const material = randomMaterial(source, noise, { size: [0.25 * size, 0.9 * size], relief: [0, 0.15] });
  return solid("box", [x, half[1], z], half, turned(source.uniform(0, 7)), material);
};

const can = (source: Random, noise: Noise, x: number, z: number, size: number): Solid => {
  const half = [size * 0.6, size * source.uniform(0.3, 1.5), size * 0.6] as const;
  const material = randomMaterial(source, noise, { size: [0.3 * size, size], relief: [0, 0.12] });
  return solid("cylinder", [x, half[1], z], half, turned(source.uniform(0, 7)), material);
};

const leaf = (source: Random, noise: Noise, x: number, z: number, size: number, colour: Colour): Solid => {
  const light = 2 ** source.uniform(-0.8, 0.8);
  const own = colour.map((share) => Math.min(0.85, share * light * source.uniform(0.75, 1.25))) as unknown as Colour;
  const material = randomMaterial(source, noise, {
    patterns: ["mottled", "veined"],
    colour: own,
    size: [0.3 * size, size],
    relief: [0.05, 0.3],
  });
  const half = [size, 0.12 * size, size * source.uniform(0.35, 0.7)] as const;
  return solid(
    "ellipsoid",
    [x, 0.12 * size + source.uniform(0, 0.15), z],
    half,
    turned(source.uniform(0, 7), source.uniform(-0.5, 0.5)),
    material,
  );
};

const tree = (source: Random, noise: Noise, x: number, z: number): Solid[] => {
  const height = source.uniform(1.2, 3.5);
  const width = height * source.uniform(0.03, 0.08);
  const bark = randomMaterial(source, noise, {
    patterns: ["mottled", "wood"],
    colour: colourOfHue(0.08, 0.4, 0.12),
    size: [0.05, 0.3],
    relief: [0.2, 0.5],
  });
  const green = colourOfHue(source.normal(0.27, 0.06), source.uniform(0.4, 0.8), source.uniform(0.08, 0.3));
  const leaves = randomMaterial(source, noise, { patterns: ["mottled"], colour: green, size: [0.1, 0.35], relief: [0.5, 0.9] });
  const crowns = Array.from({ length: source.integer(2, 5) }, () => {
    const size = height * source.uniform(0.15, 0.3);
    const at = [
      x + source.normal(0, 0.15) * height,
      height * source.uniform(0.75, 1.1),
      z + source.normal(0, 0.15) * height,
    ] as const;
    return solid("ellipsoid", at, [size, size * source.uniform(0.7, 1), size], turned(0), leaves);
  });
  return [
    solid("cylinder", [x, height / 2, z], [width, height / 2, width], turned(0, source.uniform(-0.08, 0.08)), bark),
    ...crowns,
  ];
};

const groundOf = (source: Random, noise: Noise, place: Place): Material => {
  const kinds: Readonly<Record<Place, readonly Pattern[]>> = {
    landscape: ["mottled", "mottled", "mottled", "tiles"],
    room: ["wood", "mottled", "tiles", "stripes", "veined"],
    ground: ["mottled", "mottled", "wood", "bricks", "tiles"],
  };
  return randomMaterial(source, noise, {
    patterns: kinds[place],
    colour: naturalColour(source),
    size: [0.3, 1.5],
    relief: place === "room" ? [0.01, 0.12] : [0.04, 0.35],
  });
};

const wallOf = (source: Random, noise: Noise): Material =>
  randomMaterial(source, noise, {
    patterns: ["mottled", "mottled", "bricks", "stripes", "wood", "tiles"],
    colour:
      source.uniform() < 0.6
        ? colourOfHue(source.uniform(0, 1), source.uniform(0.02, 0.25), source.uniform(0.3, 0.8))
        : naturalColour(source),
    size: [0.3, 1.2],
    relief: [0.01, 0.15],
  });

const hillsOf = (source: Random, noise: Noise, horizon: Colour): Hills[] => {
  const count = source.integer(0, 3);
  const green = colourOfHue(source.normal(0.25, 0.08), source.uniform(0.1, 0.6), source.uniform(0.06, 0.35));
  return Array.from({ length: count }, (_, layer) => {
    const shape = fractalNoise(noise, 6, source.uniform(0.4, 0.55));
    const [row, steep, height] = [source.uniform(0, 200), source.uniform(1.5, 4), source.uniform(0.03, 0.1) * (layer + 1)];
    const into = newSample();
    return {
      profile: (direction) => {
        shape(direction * steep + row, row, layer, 0.002, into);
        return height * (0.7 + into[0]);
      },
      colour: green,
      haze: Math.min(0.92, source.uniform(0.15, 0.4) + 0.25 * layer) * (horizon[1] > 0 ? 1 : 0),
    };
  });
};

const distanceTo = ({ centre }: Solid, height: number): number => Math.hypot(centre[0], centre[1] - height, centre[2]);
