import type { Recipe } from "./growth.ts";
import { blob } from "./shapes.ts";

/** Small blood vessels of the stroma: a pink wall, flat nuclei, and blood or nothing inside. White that is no gland's lumen. */
export const vessel: Recipe = {
  pitch: 210,
  jitter: 0.42,
  presence: 0.4,
  step: 2,
  margin: 0,
  reach: 62,
  grow: (source, { anatomy, direction }) => {
    const radius = source.uniform(9, 30);
    const wall = source.uniform(4, 7) + radius * source.uniform(0.05, 0.25);
    const outer = blob(source, radius, source.uniform(1, 2), 0.06, 4);
    const style = { radius: 2.5, aspect: 3, variation: 0.1, haematoxylin: 1.5 * anatomy.chromatin, vesicular: 0, nucleolus: 0 };
    return {
      reach: radius * 1.6,
      outer,
      lumen: (_x, _y, depth) => depth - wall,
      layers: [
        { kind: "file", of: "lumen", level: -1.8, spacing: 13 + 2 * Math.cos(direction), across: false, style },
        { kind: "filling", border: 3, lumen: 5, spacing: 14, style },
      ],
      look: {
        haematoxylin: 0.08,
        eosin: anatomy.stromaEosin * 1.15,
        foam: 0.3,
        walls: 0,
        apicalPallor: 0,
        content: source.uniform() < 0.5 ? "blood" : "empty",
        retraction: 0,
      },
    };
  },
};
