"""Writes src/systems/grading/network/fixtures/{microsoft,timm,mmsegmentation,transformers}.safetensors and published.json.

One small network (segmentation.py) with random weights, under the names and in the orders of four collections of published weights: those of
microsoft/Swin-Transformer (models/swin_transformer.py), timm from 0.9 on (models/swin_transformer.py), open-mmlab/mmsegmentation
(mmseg/models/backbones/swin.py, decode_heads/uper_head.py) and huggingface/transformers (models/swin, models/upernet).
published.json holds the values by our names. Run from the repository root:

    python3 scripts/reference/published.py      (PyTorch 1.13, safetensors)
"""

import json
from pathlib import Path

import numpy as np
import torch
from recording import named, on_grid, packed_grid, random_values
from safetensors.torch import save_file
from segmentation import Segmentation
from torch import nn

folder = Path("src/systems/grading/network/fixtures")
rng = np.random.default_rng(42)
options = {
    **{"patch": 4, "width": 2, "depths": [2, 2, 2, 2], "heads": [1, 1, 2, 2], "window": 2, "expansion": 1, "position": "sum"},
    **{"channels": 2, "classes": 3, "normalisation": "batch", "auxiliary": True, "auxiliaryChannels": 2},
}
network = Segmentation(options, (16, 24))
state = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
values = {name: on_grid(random_values(name, tensor, rng)) + 0.0 for name, tensor in state.items()}


def unfolded(name, tensor):
    """The inputs of a merging layer in the order of torch.nn.Unfold: found by what that makes of numbers."""
    channels = tensor.shape[-1] // 4
    numbers = torch.arange(4 * channels, dtype=torch.float32)  # as our merging orders them: by neighbour, then by channel
    image = torch.zeros(1, channels, 2, 2)
    for neighbour, (row, column) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        image[0, :, row, column] = numbers[neighbour * channels : (neighbour + 1) * channels]
    return tensor[..., nn.Unfold(2, stride=2)(image).flatten().long()]


def renamed(table):
    """Our names to others, part by part, from the first fitting entry."""
    found = {}
    for name, tensor in values.items():
        for ours, theirs in table:
            if ours in name:
                name = name.replace(ours, theirs)
        found[name.replace("running_variance", "running_var")] = tensor
    return found


stages = range(4)
own = {i: (f"merge{i}.", f"layers.{i - 1}.downsample.") for i in range(1, 4)}
microsoft = [
    ("backbone.", ""),
    ("embed.conv", "patch_embed.proj"),
    ("embed.norm", "patch_embed.norm"),
    ("position.embedding", "absolute_pos_embed"),
    *[(f"stage{i}.norm", f"norm{i}") for i in stages],
    *[(f"stage{i}.block{j}", f"layers.{i}.blocks.{j}") for i in stages for j in range(2)],
    ("attention.query_key_value", "attn.qkv"),
    ("attention.output", "attn.proj"),
    ("attention.position_bias", "attn.relative_position_bias_table"),
    ("mlp.first", "mlp.fc1"),
    ("mlp.second", "mlp.fc2"),
    *own.values(),
    ("reduce.weight", "reduction.weight"),
]
decoder = [
    *[(f"decoder.pooling.part{parts}.", f"decode_head.psp_modules.{i}.1.") for i, parts in enumerate((1, 2, 3, 6))],
    ("decoder.pooling.fusion", "decode_head.bottleneck"),
    ("decoder.lateral", "decode_head.lateral_convs."),
    ("decoder.smooth", "decode_head.fpn_convs."),
    ("decoder.fusion", "decode_head.fpn_bottleneck"),
    ("auxiliary.features", "auxiliary_head.convs.0"),
]


def backbone_alone(tensors):
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(("decoder", "auxiliary"))}


def write(name, tensors, kind):
    path = folder / f"{name}.safetensors"
    kept = {key: tensor.to(kind).contiguous() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
    for key, tensor in tensors.items():
        assert not tensor.is_floating_point() or (kept[key].to(tensor.dtype) == tensor).all(), key
    save_file(kept, str(path))
    print(f"{path}: {path.stat().st_size} bytes")


found = backbone_alone(renamed(microsoft))
found["absolute_pos_embed"] = found["absolute_pos_embed"].view(1, 24, 2)
last = {"norm.weight": found.pop("norm3.weight"), "norm.bias": found.pop("norm3.bias")}
for key in [f"norm{i}.{kind}" for i in range(3) for kind in ("weight", "bias")]:
    del found[key]  # A classifier normalises its last stage alone.
extras = {"layers.0.blocks.1.attn_mask": torch.zeros(6, 4, 4), "head.weight": torch.zeros(5, 16), "head.bias": torch.zeros(5)}
index = {"layers.0.blocks.0.attn.relative_position_index": torch.zeros(4, 4, dtype=torch.int64)}
write("microsoft", {**found, **last, **extras, **index}, torch.float32)

found = backbone_alone(renamed([*microsoft, *[(f"layers.{i - 1}.downsample", f"layers:{i}.downsample") for i in range(1, 4)], (":", ".")]))
del found["absolute_pos_embed"]
write("timm", found, torch.float16)

mmsegmentation = [
    *[(ours, theirs) for ours, theirs in microsoft if ours != "backbone."],
    ("patch_embed.proj", "patch_embed.projection"),
    ("attn.qkv", "attn.w_msa.qkv"),
    ("attn.proj", "attn.w_msa.proj"),
    ("attn.relative", "attn.w_msa.relative"),
    ("mlp.fc1", "ffn.layers.0.0"),
    ("mlp.fc2", "ffn.layers.1"),
    ("backbone.layers.", "backbone.stages."),
    *decoder,
    ("decoder.classifier", "decode_head.conv_seg"),
    ("auxiliary.classifier", "auxiliary_head.conv_seg"),
]
found = renamed(mmsegmentation)
for key, tensor in found.items():
    if "downsample" in key:
        found[key] = unfolded(key, tensor)
    if "absolute_pos_embed" in key:
        found[key] = tensor.permute(2, 0, 1)[None]
heads = {key.replace(".norm.", ".bn.") if "_head." in key else key: tensor for key, tensor in found.items()}
write("mmsegmentation", {**heads, "decode_head.bottleneck.bn.num_batches_tracked": torch.tensor(7)}, torch.bfloat16)

transformers = [
    ("embed.conv", "embeddings.patch_embeddings.projection"),
    ("embed.norm", "embeddings.norm"),
    ("position.embedding", "embeddings.position_embeddings"),
    *[(f"backbone.stage{i}.norm", f"backbone.hidden_states_norms.stage{i + 1}") for i in stages],
    *[(f"stage{i}.block{j}", f"encoder.layers.{i}.blocks.{j}") for i in stages for j in range(2)],
    (".norm1", ".layernorm_before"),
    (".norm2", ".layernorm_after"),
    ("attention.output", "attention.output.dense"),
    ("attention.position_bias", "attention.self.relative_position_bias_table"),
    ("mlp.first", "intermediate.dense"),
    ("mlp.second", "output.dense"),
    *[(ours, f"encoder.{theirs}") for ours, theirs in own.values()],
    ("reduce.weight", "reduction.weight"),
    *decoder,
    ("decoder.classifier", "decode_head.classifier"),
    ("auxiliary.classifier", "auxiliary_head.classifier"),
]
found = {}
for key, tensor in renamed(transformers).items():
    if "query_key_value" in key:
        for part, third in zip(("query", "key", "value"), tensor.chunk(3)):
            found[key.replace("query_key_value", f"self.{part}")] = third
    else:
        found[key.replace(".norm.", ".batch_norm.") if "_head." in key else key] = tensor
name = "backbone.embeddings.position_embeddings"
found[name] = found[name].view(1, 24, 2)
write("transformers", found, torch.float16)

path = folder / "published.json"
path.write_text(json.dumps({"options": options, "values": named(values, packed_grid)}, separators=(",", ":")) + "\n")
print(f"{path}: {path.stat().st_size} bytes")
