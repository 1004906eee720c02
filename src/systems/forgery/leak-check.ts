import { type FileFacts, ImageError, prefetch, readFileFacts, type SkippedFile } from "../../imaging/index.ts";
import { imageAuroc } from "../../metrics/index.ts";
import { random } from "../../random/index.ts";
import { type ForgeryImage, kindsOf } from "./data.ts";
import { type Attribute, attributes } from "./leak-attributes.ts";
import { nameRule, type Rule, rangeRule } from "./leak-rules.ts";

/** Something about the files that tells real images from forged ones. */
export interface Leak {
  /** What tells them apart, such as "format". */
  readonly attribute: string;
  /** The kind of forgery that it was found for; undefined where it is all forged images together. */
  readonly kind: string | undefined;
  /** The mean over both classes of the share of images that it tells rightly, by a rule found on other images; 0.5 is chance. */
  readonly accuracy: number;
  /** Of a number, the area under the ROC curve, 0.5 or more; undefined of a name. */
  readonly auc: number | undefined;
  /** Shares of the forged and of the real images that have what the sentence says. */
  readonly forgedShare: number;
  readonly realShare: number;
  /** For the user, with figures. */
  readonly sentence: string;
}

export interface LeakReport {
  /** Images whose files were looked at. */
  readonly real: number;
  readonly forged: number;
  /** The most telling first. */
  readonly leaks: readonly Leak[];
  /** Sentences about what could not be checked. */
  readonly notes: readonly string[];
  readonly unreadable: readonly SkippedFile[];
}

export interface LeakCheckOptions {
  /** Of the images that are looked at. Default 0. */
  readonly seed?: number;
  /** The most images of a class, or of a kind of forgery, that are looked at. Default 400. */
  readonly most?: number;
  /** Files that are read at once. Default 4. */
  readonly workers?: number;
}

/** Fewer images of a class, each of another identity, tell nothing. */
const FEWEST = 10;

/** An attribute leaks that tells so many images rightly on the average of both classes, */
const LEAST_ACCURACY = 0.65;

/** by so many standard errors above chance: one in two thousand attributes is found by mistake. */
const LEAST_DEVIATIONS = 3.3;

/**
 * Looks for what would let a model learn the file and not the forgery: whether format, size, compression, bit depth, colour mode or
 * metadata alone tell real images from forged ones (see `attributes`), for all forged ones together and for each kind. Files are read,
 * but no pixel is decoded.
 *
 * An attribute is judged by a simple rule: of a number, the range that most more images of one class than of the other lie in (where
 * both distribution functions differ most, the statistic of Kuiper 1960); of a name, the value with the largest such difference. The
 * rule is found on one half of the identities and judged on the other, and the other way round, so that chance and many values do not
 * make a rule look good. Its figures in the sentence are those on all images looked at.
 */
export const checkLeaks = async (samples: readonly ForgeryImage[], options: LeakCheckOptions = {}): Promise<LeakReport> => {
  const { seed = 0, most = 400, workers = 4 } = options;
  const kinds = kindsOf(samples);
  const real = samples.filter(({ label }) => label === 0);
  const forged = kinds.map((kind) => samples.filter((sample) => sample.label === 1 && sample.kind === kind));
  const chosen = [real, ...forged].flatMap((own) => choose(own, most, seed));
  const unreadable: SkippedFile[] = [];
  const tasks = chosen.map((sample) => async (): Promise<Looked[]> => {
    try {
      return [{ sample, facts: await readFileFacts(sample.path) }];
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      unreadable.push({ path: sample.path, reason: error.message });
      return [];
    }
  });
  const looked: Looked[] = [];
  for await (const found of prefetch(tasks, workers)) looked.push(...found);

  const reals = looked.filter(({ sample }) => sample.label === 0);
  const fakes = looked.filter(({ sample }) => sample.label === 1);
  const leaks: Leak[] = [];
  const notes: string[] = [];
  for (const kind of [undefined, ...(kinds.length > 1 ? kinds : [])]) {
    const own = kind === undefined ? fakes : fakes.filter(({ sample }) => sample.kind === kind);
    if (Math.min(identities(reals), identities(own)) < FEWEST) {
      if (fakes.length > 0) notes.push(tooFew(kind, identities(reals), identities(own)));
      continue;
    }
    const known = new Set(leaks.flatMap((leak) => (leak.kind === undefined ? leak.attribute : [])));
    for (const attribute of attributes) {
      const leak = known.has(attribute.name) ? undefined : leakOf(attribute, reals, own, kind);
      if (leak !== undefined) leaks.push(leak);
    }
  }
  leaks.sort((a, b) => b.accuracy - a.accuracy);
  return { real: reals.length, forged: fakes.length, leaks, notes, unreadable };
};

const tooFew = (kind: string | undefined, real: number, forged: number): string =>
  `Whether their files give forged images${kind === undefined ? "" : ` of the kind "${kind}"`} away cannot be told from ${real} real and ` +
  `${forged} forged identities: it takes ${FEWEST} of each.`;

interface Looked {
  readonly sample: ForgeryImage;
  readonly facts: FileFacts;
}

const identities = (looked: readonly { readonly sample: ForgeryImage }[]): number =>
  new Set(looked.map(({ sample }) => sample.group)).size;

/** At most so many samples, at random, but one of each identity before a second of any. */
const choose = (samples: readonly ForgeryImage[], most: number, seed: number): ForgeryImage[] => {
  const taken = new Map<string, number>();
  return Array.from(random("leaks", seed).permutation(samples.length), (index) => {
    const sample = samples[index];
    const turn = taken.get(sample.group) ?? 0;
    taken.set(sample.group, turn + 1);
    return { sample, turn };
  })
    .sort((a, b) => a.turn - b.turn)
    .slice(0, most)
    .map(({ sample }) => sample);
};

const leakOf = (
  attribute: Attribute,
  real: readonly Looked[],
  forged: readonly Looked[],
  kind: string | undefined,
): Leak | undefined => {
  const seen = [...real, ...forged].flatMap(({ sample, facts }) => {
    const value = "number" in attribute ? attribute.number(facts) : attribute.value(facts);
    return value === undefined ? [] : [{ sample, value, label: sample.label }];
  });
  const [reals, forgeries] = [0, 1].map((label) => identities(seen.filter((item) => item.label === label)));
  if (Math.min(reals, forgeries) < FEWEST) return undefined;
  const find = (items: typeof seen): Rule => {
    const labels = items.map(({ label }) => label);
    return "number" in attribute
      ? rangeRule(
          items.map(({ value }) => value as number),
          labels,
        )
      : nameRule(
          items.map(({ value }) => value as string),
          labels,
        );
  };
  const halves = [0, 1].map((side) => seen.filter(({ sample }) => random("half", sample.group).integer(0, 1) === side));
  const accuracy = balancedAccuracy(
    halves.flatMap((judged, side) => {
      const rule = find(halves[1 - side]);
      return judged.map(({ value, label }) => ({ label, right: (rule.holds(value) ? rule.label : 1 - rule.label) === label }));
    }),
  );
  const error = Math.sqrt(1 / reals + 1 / forgeries) / 4;
  if (accuracy < Math.max(LEAST_ACCURACY, 0.5 + LEAST_DEVIATIONS * error)) return undefined;

  const rule = find(seen);
  const [realShare, forgedShare] = [0, 1].map((label) => {
    const own = seen.filter((item) => item.label === label);
    return own.filter(({ value }) => rule.holds(value)).length / own.length;
  });
  const auc = "number" in attribute ? aucOf(seen.map(({ value, label }) => ({ value: value as number, label }))) : undefined;
  const figures = `${percent(accuracy)} of images${auc === undefined ? "" : `; AUC ${auc.toFixed(2)}`}`;
  return {
    attribute: attribute.name,
    kind,
    accuracy,
    auc,
    forgedShare,
    realShare,
    sentence:
      `${percent(forgedShare)} of forged images${kind === undefined ? "" : ` of the kind "${kind}"`} ${attribute.says(rule.text)}, ` +
      `but ${percent(realShare)} of real ones: the ${attribute.name} alone tells which are forged (right for ${figures}).`,
  };
};

/** The mean over both classes; a class that is missing counts as chance. */
const balancedAccuracy = (judged: readonly { readonly label: 0 | 1; readonly right: boolean }[]): number => {
  const shares = [0, 1].map((label) => {
    const own = judged.filter((item) => item.label === label);
    return own.length === 0 ? 0.5 : own.filter(({ right }) => right).length / own.length;
  });
  return (shares[0] + shares[1]) / 2;
};

const aucOf = (items: readonly { readonly value: number; readonly label: 0 | 1 }[]): number => {
  const area = imageAuroc(
    Float32Array.from(items, ({ value }) => value),
    items.map(({ label }) => label),
  );
  return Math.max(area, 1 - area);
};

const percent = (share: number): string => `${Math.round(100 * share)} %`;
