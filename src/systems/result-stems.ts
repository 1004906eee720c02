/**
 * What results are named after: each name as it is; where that is taken (letters' case aside), with -2, -3 and so on. In the names' order.
 */
export const resultStems = (names: readonly string[]): string[] => {
  const taken = new Set<string>();
  return names.map((own) => {
    let stem = own;
    for (let count = 2; taken.has(stem.toLowerCase()); count++) stem = `${own}-${count}`;
    taken.add(stem.toLowerCase());
    return stem;
  });
};
