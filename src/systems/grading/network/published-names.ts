/** Where a tensor of a published Swin transformer or UPerNet belongs in this network. */
export interface Place {
  readonly name: string;
  /** The third of it that it makes: queries, keys or values. */
  readonly third?: 0 | 1 | 2;
  /** How its values become ours, where they do not lie alike. */
  readonly form?: "positions" | "bias table" | "unfolded";
}

/** What holds for all names of a file. */
export interface Naming {
  /** Merging lies at the beginning of a stage (timm from 0.9 on), not at the end of the one before. */
  readonly mergesFirst: boolean;
  /** Merging takes the four neighbours of each channel together, row by row (mmsegmentation). */
  readonly unfolds: boolean;
}

export const namingOf = (names: Iterable<string>): Naming => {
  const all = [...names];
  return {
    mergesFirst: all.some((name) => /(layers|stages)[._]3\.downsample/.test(name)),
    unfolds: all.some((name) => name.includes("w_msa")),
  };
};

const PREFIX = /^(module\.|model\.|backbone\.|swin\.|encoder\.(?=layers|patch_embed|norm))*/;
const STAGE = "^(?:layers|stages)[._](\\d)\\.";
const BLOCK = `${STAGE}blocks\\.(\\d+)\\.`;
const END = "\\.(weight|bias)$";
const CONV_NORM = "\\.(conv|bn|gn|batch_norm)\\.(weight|bias|running_mean|running_var)$";

const blockPart = (names: string, ours: string): Rule => [
  new RegExp(`${BLOCK}(?:${names})${END}`),
  (_, stage, block, kind) => ({ name: `backbone.stage${stage}.block${block}.${ours}.${kind}` }),
];

const convNorm = (theirs: string, ours: (level: number) => string): Rule => [
  new RegExp(`^${theirs}${CONV_NORM}`),
  (_, ...found) => {
    const [layer, kind] = found.slice(-2);
    const own = kind === "running_var" ? "running_variance" : kind;
    return { name: `${ours(Number(found[0]))}.${layer === "conv" ? "conv" : "norm"}.${own}` };
  },
];

type Rule = readonly [pattern: RegExp, place: (naming: Naming, ...found: string[]) => Place];

/**
 * Names of Microsoft's and timm's Swin transformers, of mmsegmentation, and of Hugging Face's transformers, in this order where they differ,
 * without the prefixes of what they are part of.
 */
const RULES: readonly Rule[] = [
  [
    new RegExp(`^(?:patch_embed\\.proj(?:ection)?|embeddings\\.patch_embeddings\\.projection)${END}`),
    (_, kind) => ({ name: `backbone.embed.conv.${kind}` }),
  ],
  [new RegExp(`^(?:patch_embed|embeddings)\\.norm${END}`), (_, kind) => ({ name: `backbone.embed.norm.${kind}` })],
  [
    /^(?:absolute_pos_embed|embeddings\.position_embeddings)$/,
    () => ({ name: "backbone.position.embedding", form: "positions" }),
  ],
  blockPart("norm1|layernorm_before", "norm1"),
  blockPart("norm2|layernorm_after", "norm2"),
  blockPart("attn\\.(?:w_msa\\.)?qkv", "attention.query_key_value"),
  blockPart("attn\\.(?:w_msa\\.)?proj|attention\\.output\\.dense", "attention.output"),
  blockPart("mlp\\.fc1|ffn\\.layers\\.0\\.0|intermediate\\.dense", "mlp.first"),
  blockPart("mlp\\.fc2|ffn\\.layers\\.1|output\\.dense", "mlp.second"),
  [
    new RegExp(`${BLOCK}(?:attn\\.(?:w_msa\\.)?|attention\\.self\\.)(?:relative_position_bias_table|Add(?:_\\d+)?)$`),
    (_, stage, block) => ({ name: `backbone.stage${stage}.block${block}.attention.position_bias`, form: "bias table" }),
  ],
  [
    new RegExp(`${BLOCK}attention\\.self\\.(query|key|value)${END}`),
    (_, stage, block, which, kind) => ({
      name: `backbone.stage${stage}.block${block}.attention.query_key_value.${kind}`,
      third: ["query", "key", "value"].indexOf(which) as 0 | 1 | 2,
    }),
  ],
  [
    new RegExp(`${STAGE}downsample\\.(norm|reduction)${END}`),
    ({ mergesFirst, unfolds }, stage, part, kind) => ({
      name: `backbone.merge${Number(stage) + (mergesFirst ? 0 : 1)}.${part === "norm" ? "norm" : "reduce"}.${kind}`,
      ...(unfolds ? { form: "unfolded" } : {}),
    }),
  ],
  [new RegExp(`^norm(\\d)${END}`), (_, stage, kind) => ({ name: `backbone.stage${stage}.norm.${kind}` })],
  [
    new RegExp(`^hidden_states_norms\\.stage(\\d)${END}`),
    (_, stage, kind) => ({ name: `backbone.stage${Number(stage) - 1}.norm.${kind}` }),
  ],
  [new RegExp(`^(?:norm|layernorm)${END}`), (_, kind) => ({ name: `backbone.stage3.norm.${kind}` })],
  convNorm("decode_head\\.psp_modules\\.(\\d)\\.1", (index) => `decoder.pooling.part${[1, 2, 3, 6][index]}`),
  convNorm("decode_head\\.bottleneck", () => "decoder.pooling.fusion"),
  convNorm("decode_head\\.lateral_convs\\.(\\d)", (level) => `decoder.lateral${level}`),
  convNorm("decode_head\\.fpn_convs\\.(\\d)", (level) => `decoder.smooth${level}`),
  convNorm("decode_head\\.fpn_bottleneck", () => "decoder.fusion"),
  convNorm("auxiliary_head\\.convs\\.0", () => "auxiliary.features"),
  [new RegExp(`^decode_head\\.(?:conv_seg|classifier)${END}`), (_, kind) => ({ name: `decoder.classifier.${kind}` })],
  [new RegExp(`^auxiliary_head\\.(?:conv_seg|classifier)${END}`), (_, kind) => ({ name: `auxiliary.classifier.${kind}` })],
];

/** What is known of tensors that have no place here. */
const NEEDLESS: readonly (readonly [RegExp, string])[] = [
  [/relative_position_index$|attn_mask$|relative_coords_table$/, "the network computes it"],
  [/num_batches_tracked$/, "a counter, which nothing depends on"],
  [/^(head|classifier)\./, "the classifier of another task"],
  [/^optimiser\./, "the state of another training"],
  [/cpb_mlp|logit_scale/, "a part of Swin V2, whose blocks are others"],
];

/** Names of this network itself, as its checkpoints have them. */
const OWN = /^(backbone\.(embed|position|stage\d|merge\d)|decoder|auxiliary)\./;

/** The place of a published tensor, or of one of this network's own, or the reason why it has none. */
export const placeOf = (published: string, naming: Naming): Place | { readonly reason: string } => {
  if (OWN.test(published))
    return { name: published, ...(published.startsWith("backbone.position.") ? { form: "positions" } : {}) };
  const name = published.replace(PREFIX, "");
  for (const [pattern, place] of RULES) {
    const found = pattern.exec(name);
    if (found) return place(naming, ...found.slice(1));
  }
  return { reason: NEEDLESS.find(([pattern]) => pattern.test(name))?.[1] ?? "the network has no such part" };
};
