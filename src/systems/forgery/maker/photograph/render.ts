import { random } from "../../../../random/index.ts";
import { type FloatImage, floatImage } from "../float-image.ts";
import { type NoiseSample, newSample } from "./noise.ts";
import type { Scene } from "./scene.ts";
import { type Hit, intersect, newHit, type Solid } from "./solids.ts";

/** What a lens without faults would see. */
export interface Rendering {
  /** Linear light, `[height, width, 3]`. */
  readonly light: FloatImage;
  /** The distance along the view of each pixel, `[height, width]`; infinite in the sky. */
  readonly depth: Float32Array;
  /** Which solid each pixel shows, from 1 on; 0 is ground, wall and sky. `[height, width]` */
  readonly objects: Uint8Array;
}

const SAMPLES = 2;
const EVERYTHING_ELSE = 0;
const SKY = 255;
const WALL = 254;
const GROUND = 253;

/**
 * Draws a scene by ray casting with 2 x 2 samples a pixel at edges: nearest surfaces by a depth buffer, Lambert's and Blinn's shading, one shadow ray
 * a sample towards a random point of the lamp (its share of light is then averaged over neighbours of the same object), light from the sky
 * dimmed near solids, and haze. The same scene and seed give the same picture.
 */
export const render = (scene: Scene, width: number, height: number, seed: number): Rendering => {
  const buffer = nearestSurfaces(scene, width * SAMPLES, height * SAMPLES);
  const light = floatImage(width, height);
  const lamp = floatImage(width, height);
  const visible = new Float32Array(width * height);
  const depth = new Float32Array(width * height);
  const objects = new Uint8Array(width * height);
  const layers = new Uint8Array(width * height);
  const shade = shader(scene, buffer, seed);
  const colour = newShading();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      const first = SAMPLES * (y * buffer.width + x);
      // Inside one surface, one sample is enough: materials leave out what is finer than a pixel.
      const corners = showsOneSurface(buffer, first) ? 1 : SAMPLES * SAMPLES;
      const share = 1 / corners;
      for (let corner = 0; corner < corners; corner++) {
        const sample = first + (corner >> 1) * buffer.width + (corner & 1);
        shade(sample, colour);
        visible[pixel] += share * colour.visible;
        for (let c = 0; c < 3; c++) {
          light.data[3 * pixel + c] += share * colour.ambient[c];
          lamp.data[3 * pixel + c] += share * colour.lamp[c];
        }
      }
      depth[pixel] = buffer.depth[first];
      layers[pixel] = buffer.layer[first];
      objects[pixel] = layers[pixel] < GROUND ? layers[pixel] : EVERYTHING_ELSE;
    }
  }
  const smooth = averageWithin(visible, layers, width, height);
  for (let at = 0; at < light.data.length; at++) light.data[at] += lamp.data[at] * smooth[Math.floor(at / 3)];
  return { light, depth, objects };
};

const showsOneSurface = ({ layer, width }: SurfaceBuffer, first: number): boolean =>
  layer[first] === layer[first + 1] && layer[first] === layer[first + width] && layer[first] === layer[first + width + 1];

interface SurfaceBuffer {
  readonly width: number;
  readonly height: number;
  readonly depth: Float32Array;
  /** 0 is none yet; from 1 on the solid; else ground, wall or sky. */
  readonly layer: Uint8Array;
  /** Direction of the view through a sample: `[x, y, z]`, with a part of 1 along the view. */
  readonly ray: (sample: number, into: Float64Array) => void;
  /** Angle that a pixel covers. */
  readonly pixelAngle: number;
}

const nearestSurfaces = (scene: Scene, width: number, height: number): SurfaceBuffer => {
  const { eye, solids, wall } = scene;
  const step = (2 * eye.spread) / Math.max(width, height);
  const [cosine, sine] = [Math.cos(eye.pitch), Math.sin(eye.pitch)];
  const ray = (sample: number, into: Float64Array): void => {
    const column = sample % width;
    const across = (column + 0.5 - width / 2) * step;
    const up = (height / 2 - 0.5 - (sample - column) / width) * step;
    into[0] = across;
    into[1] = up * cosine - sine;
    into[2] = up * sine + cosine;
  };
  const depth = new Float32Array(width * height).fill(Number.POSITIVE_INFINITY);
  const layer = new Uint8Array(width * height).fill(SKY);
  const direction = new Float64Array(3);
  for (let sample = 0; sample < depth.length; sample++) {
    ray(sample, direction);
    if (direction[1] < 0) {
      depth[sample] = eye.height / -direction[1];
      layer[sample] = GROUND;
    }
    if (wall !== undefined && direction[2] > 0 && wall.distance / direction[2] < depth[sample]) {
      depth[sample] = wall.distance / direction[2];
      layer[sample] = WALL;
    }
  }
  const hit = newHit();
  solids.forEach((solid, index) => {
    const { centre, reach } = solid;
    const y = centre[1] - eye.height;
    const [up, along] = [cosine * y + sine * centre[2], cosine * centre[2] - sine * y];
    if (along + reach < 0.2) return;
    const near = Math.max(0.1, along - reach);
    const bound = (value: number): number => (value > 0 ? value / near : value / (along + reach));
    const left = Math.max(0, Math.floor(width / 2 + bound(centre[0] - reach) / step - 1));
    const right = Math.min(width - 1, Math.ceil(width / 2 + bound(centre[0] + reach) / step + 1));
    const top = Math.max(0, Math.floor(height / 2 - bound(up + reach) / step - 1));
    const bottom = Math.min(height - 1, Math.ceil(height / 2 - bound(up - reach) / step + 1));
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const sample = row * width + column;
        ray(sample, direction);
        const t = intersect(solid, 0, eye.height, 0, direction[0], direction[1], direction[2], 0.1, hit);
        if (t >= depth[sample]) continue;
        depth[sample] = t;
        layer[sample] = index + 1;
      }
    }
  });
  return { width, height, depth, layer, ray, pixelAngle: step * SAMPLES };
};

interface Shading {
  /** Light that reaches the lens whatever the lamp does, light of the lamp where nothing is in its way, and whether something is. */
  readonly ambient: Float64Array;
  readonly lamp: Float64Array;
  visible: number;
}

const newShading = (): Shading => ({ ambient: new Float64Array(3), lamp: new Float64Array(3), visible: 1 });

const shader = (scene: Scene, { depth, layer, ray, pixelAngle }: SurfaceBuffer, seed: number) => {
  const { solids, light, ambient, eye } = scene;
  const source = random("shadow rays", seed);
  const view = new Float64Array(3);
  const albedo = new Float64Array(3);
  const relief = newSample();
  const hit = newHit();
  const other = newHit();
  const paintSky = skyPainter(scene);
  return (sample: number, into: Shading): void => {
    ray(sample, view);
    const distance = depth[sample];
    const own = layer[sample];
    into.visible = 1;
    if (own === SKY) {
      paintSky(view, into.ambient);
      into.lamp.fill(0);
      return;
    }
    const x = distance * view[0];
    const y = eye.height + distance * view[1];
    const z = distance * view[2];
    const finest = distance * pixelAngle;
    let nx = 0;
    let ny = own === GROUND ? 1 : 0;
    let nz = own === WALL ? -1 : 0;
    let surface = scene.ground;
    if (own === GROUND) {
      const slant = Math.min(4, Math.hypot(view[0], view[2]) / -view[1]);
      surface.at(x, z, 0, finest * Math.max(1, 0.6 * slant), albedo, relief);
      nx = -relief[1];
      nz = -relief[2];
    } else if (own === WALL) {
      surface = scene.wall!.material;
      surface.at(x, y, 0, finest, albedo, relief);
      nx = -relief[1];
      ny = -relief[2];
    } else {
      const solid = solids[own - 1];
      surface = solid.material;
      intersect(solid, 0, eye.height, 0, view[0], view[1], view[2], 0.1, hit);
      paintSolid(solid, hit, finest, albedo, relief);
      const { axes } = solid;
      const lx = hit[3] - relief[1];
      const ly = hit[4] - relief[2];
      const lz = hit[5] - relief[3];
      nx = axes[0] * lx + axes[3] * ly + axes[6] * lz;
      ny = axes[1] * lx + axes[4] * ly + axes[7] * lz;
      nz = axes[2] * lx + axes[5] * ly + axes[8] * lz;
    }
    const length = Math.hypot(nx, ny, nz);
    nx /= length;
    ny /= length;
    nz /= length;

    const toLampX = light.direction[0] + light.width * source.uniform(-1, 1);
    const toLampY = light.direction[1] + light.width * source.uniform(-1, 1);
    const toLampZ = light.direction[2] + light.width * source.uniform(-1, 1);
    const facing = Math.max(0, nx * light.direction[0] + ny * light.direction[1] + nz * light.direction[2]);
    let open = 1;
    for (let index = 0; index < solids.length; index++) {
      const { centre, reach, half } = solids[index];
      const cx = centre[0] - x;
      const cy = centre[1] - y;
      const cz = centre[2] - z;
      const squared = cx * cx + cy * cy + cz * cz;
      if (index + 1 !== own) {
        const size = Math.min(half[0], half[1], half[2]) ** 2;
        if (size > 0.01 * squared) {
          const towards = (nx * cx + ny * cy + nz * cz) / Math.sqrt(squared);
          open *= 1 - 0.85 * Math.min(1, (size / squared) * Math.max(0, 0.3 + 0.7 * towards));
        }
      }
      if (facing === 0 || into.visible === 0) continue;
      const along = cx * toLampX + cy * toLampY + cz * toLampZ;
      if (along < -reach || squared - (along * along) / (toLampX ** 2 + toLampY ** 2 + toLampZ ** 2) > reach * reach) continue;
      const start = 0.004 * (1 + distance);
      const met = intersect(
        solids[index],
        x + start * nx,
        y + start * ny,
        z + start * nz,
        toLampX,
        toLampY,
        toLampZ,
        1e-4,
        other,
      );
      if (met !== Number.POSITIVE_INFINITY) into.visible = 0;
    }

    const toEye = 1 / Math.hypot(view[0], view[1], view[2]);
    const hx = light.direction[0] - view[0] * toEye;
    const hy = light.direction[1] - view[1] * toEye;
    const hz = light.direction[2] - view[2] * toEye;
    const half = Math.max(0, (nx * hx + ny * hy + nz * hz) / (Math.hypot(hx, hy, hz) || 1));
    const shine = facing > 0 ? surface.gloss * half ** surface.shininess * (1 + 0.1 * surface.shininess) : 0;
    const rim = surface.gloss * (1 + (nx * view[0] + ny * view[1] + nz * view[2]) * toEye) ** 4;
    const haze = 1 - Math.exp(-distance / scene.haze);
    const upwards = 0.5 + 0.5 * ny;
    for (let c = 0; c < 3; c++) {
      const around = (ambient.below[c] + (ambient.above[c] - ambient.below[c]) * upwards) * open;
      into.ambient[c] = (1 - haze) * around * (albedo[c] + 0.6 * Math.max(0, rim)) + haze * scene.sky.horizon[c] * 0.9;
      into.lamp[c] = (1 - haze) * light.colour[c] * (albedo[c] * facing + shine);
    }
  };
};

const paintSolid = (solid: Solid, hit: Hit, finest: number, albedo: Float64Array, relief: NoiseSample): void => {
  // On a box's face, the pattern is that of the plane through the middle: a joint never covers a whole face.
  const flat = solid.shape === "box";
  solid.material.at(
    flat && hit[3] !== 0 ? 0 : hit[0],
    flat && hit[4] !== 0 ? 0 : hit[1],
    flat && hit[5] !== 0 ? 0 : hit[2],
    finest,
    albedo,
    relief,
  );
};

/** The sky's gradient, clouds on a plane high above, and hills before it. */
const skyPainter = ({ sky }: Scene) => {
  const sample = newSample();
  return (view: Float64Array, into: Float64Array): void => {
    const level = Math.hypot(view[0], view[2]);
    const height = view[1] / level;
    const direction = view[0] / view[2];
    for (const hills of sky.hills) {
      if (height > hills.profile(direction)) continue;
      for (let c = 0; c < 3; c++) into[c] = hills.colour[c] * (1 - hills.haze) + sky.horizon[c] * 0.8 * hills.haze;
      return;
    }
    const high = Math.min(1, Math.max(0, height)) ** 0.6;
    const slant = 1 / (Math.max(0, height) + 0.12);
    sky.clouds(direction * slant * 0.9, slant * 0.9, 7.3, 0.004 * slant, sample);
    const cloud = Math.min(1, Math.max(0, 1.2 * sample[0] + sky.cover)) * Math.min(1, 6 * Math.max(0, height));
    for (let c = 0; c < 3; c++) {
      const clear = sky.horizon[c] + (sky.zenith[c] - sky.horizon[c]) * high;
      into[c] = clear + (1.15 - 0.25 * sample[0] - clear) * cloud;
    }
  };
};

/** The mean of each pixel's 5 x 5 neighbours of the same layer. */
const averageWithin = (values: Float32Array, layers: Uint8Array, width: number, height: number): Float32Array => {
  const result = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      let [sum, count] = [0, 0];
      for (let row = Math.max(0, y - 2); row <= Math.min(height - 1, y + 2); row++) {
        for (let column = Math.max(0, x - 2); column <= Math.min(width - 1, x + 2); column++) {
          if (layers[row * width + column] !== layers[pixel]) continue;
          sum += values[row * width + column];
          count++;
        }
      }
      result[pixel] = sum / count;
    }
  }
  return result;
};
