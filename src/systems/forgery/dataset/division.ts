import { random } from "../../../random/index.ts";

interface Divided {
  readonly label: 0 | 1;
  readonly identity: string;
}

/**
 * Draws about a share of the images by identity: those whose number random(keys, identity) is below the share, so that an added
 * image moves no other. Of either class that has two identities or more, one at least is drawn and one is not, while 0 < share < 1.
 */
export const drawShare = <Image extends Divided>(
  images: readonly Image[],
  share: number,
  ...keys: readonly (number | string)[]
): { readonly drawn: Image[]; readonly others: Image[] } => {
  const numbers = new Map(images.map(({ identity }) => [identity, random(...keys, identity).uniform()]));
  const chosen = new Set([...numbers].filter(([, number]) => number < share).map(([identity]) => identity));
  if (share > 0 && share < 1) {
    for (const label of [1, 0]) {
      const own = [...new Set(images.filter((image) => image.label === label).map(({ identity }) => identity))];
      if (own.length < 2) continue;
      own.sort((a, b) => numbers.get(a)! - numbers.get(b)!);
      if (!own.some((identity) => chosen.has(identity))) chosen.add(own[0]);
      if (own.every((identity) => chosen.has(identity))) chosen.delete(own.at(-1)!);
    }
  }
  return {
    drawn: images.filter(({ identity }) => chosen.has(identity)),
    others: images.filter(({ identity }) => !chosen.has(identity)),
  };
};
