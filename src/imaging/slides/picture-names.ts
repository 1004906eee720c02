/** The words of a name in lower case, split where there are no letters and within "LabelImage": "slide_Macro1" is slide, macro. */
export const wordsOf = (name: string): readonly string[] =>
  (name.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+/gu) ?? []).map((word) => word.toLowerCase());

/** The first word that names a picture beside a slide, which may show a patient's name: "label", "macro", "thumbnail" or "overview". */
export const roleAmong = (words: readonly string[]): string | undefined => {
  for (const word of words) {
    const role = /^(?:slide)?(label|macro|thumbnail|overview)(?:image)?$/.exec(word)?.[1];
    if (role !== undefined) return role;
  }
  return undefined;
};
