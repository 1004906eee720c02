"""Writes src/nn/fixtures/layers.json: results and gradients of single layers in float64 PyTorch.

Each layer gets an input, its parameters and the gradient dy of its result; stored are the result and the gradients by the input
and by each parameter. Run from the repository root:

    python3 scripts/reference/layers.py      (PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(5)


def values(*shape):
    """Normal values on a grid of 1/64: short to write, exact in float32."""
    return torch.as_tensor(np.round(64 * rng.normal(size=shape)) / 64)


def packed(tensor):
    return {"shape": list(tensor.shape), "data": [float(f"{v:.7g}") for v in tensor.detach().numpy().ravel()]}


def case(name, layer, x, parameters):
    inputs = {"x": x, **parameters}
    for tensor in inputs.values():
        tensor.requires_grad_()
    y = layer(*inputs.values())
    dy = values(*y.shape)
    slopes = torch.autograd.grad((y * dy).sum(), list(inputs.values()))
    return {
        "name": name,
        "x": packed(x),
        "parameters": {key: packed(value) for key, value in parameters.items()},
        "y": packed(y),
        "dy": packed(dy),
        "gradients": {key: packed(slope) for key, slope in zip(inputs, slopes)},
    }


def weighted(weight, bias=None):
    return {"weight": weight, **({} if bias is None else {"bias": bias})}


constant_channel = values(2, 3, 5, 3)
constant_channel[:, 1] = 0.75

layers = [
    case(
        "conv",
        lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1),
        values(2, 3, 7, 5),
        weighted(values(4, 3, 3, 3), values(4)),
    ),
    case("conv without bias", lambda x, w: F.conv2d(x, w, padding=1), values(1, 2, 5, 4), weighted(values(3, 2, 3, 3))),
    case(
        "convTranspose",
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1),
        values(2, 3, 3, 4),
        weighted(values(3, 2, 4, 4), values(2)),
    ),
    case("dense", F.linear, values(3, 5), weighted(values(4, 5), values(4))),
    case(
        "batchNorm",
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        values(2, 3, 5, 3),
        weighted(values(3), values(3)),
    ),
    case(
        "batchNorm of a constant channel",
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        constant_channel,
        weighted(values(3), values(3)),
    ),
    case("groupNorm", lambda x, w, b: F.group_norm(x, 2, w, b), values(2, 6, 3, 5), weighted(values(6), values(6))),
]


def running_statistics():
    """Two training steps of batch normalisation, then a prediction."""
    layer = torch.nn.BatchNorm2d(2)
    batches = [3 * values(2, 2, 3, 3) + 1 for _ in range(3)]
    after = []
    for batch in batches[:2]:
        layer(batch)
        after.append({"running_mean": packed(layer.running_mean), "running_variance": packed(layer.running_var)})
    return {"batches": [packed(batch) for batch in batches], "after": after, "evaluated": packed(layer.eval()(batches[2]))}


statistics = running_statistics()


def attention(heads, mask=None):
    """Multi-head attention of [batch, tokens, channels]; the batch takes the masks [groups, tokens, keys] in turn."""

    def run(x, bias, in_weight, in_bias, out_weight, out_bias):
        added = bias.repeat(len(x), 1, 1)
        if mask is not None:
            added = added + mask.repeat(len(x) // len(mask), 1, 1).repeat_interleave(heads, 0)
        return attend(x, x, heads, in_bias, out_weight, out_bias, in_proj_weight=in_weight, attn_mask=added)

    return run


def cross_attention(heads):
    def run(x, context, query, query_bias, key_value, key_value_bias, out_weight, out_bias):
        key, value = key_value.chunk(2)
        separate = {"q_proj_weight": query, "k_proj_weight": key, "v_proj_weight": value, "use_separate_proj_weight": True}
        bias = torch.cat([query_bias, key_value_bias])
        return attend(x, context, heads, bias, out_weight, out_bias, in_proj_weight=None, **separate)

    return run


def attend(x, context, heads, bias, out_weight, out_bias, **options):
    query, key = x.transpose(0, 1), context.transpose(0, 1)  # tokens first
    rest = {"bias_k": None, "bias_v": None, "add_zero_attn": False, "dropout_p": 0.0}
    projections = {"in_proj_bias": bias, "out_proj_weight": out_weight, "out_proj_bias": out_bias}
    y, _ = F.multi_head_attention_forward(query, key, key, x.shape[-1], heads, **projections, **rest, **options)
    return y.transpose(0, 1)


def projection(name, outputs, inputs):
    return {f"{name}.weight": values(outputs, inputs), f"{name}.bias": values(outputs)}


constant_vector = values(2, 3, 5)
constant_vector[1, 2] = 0.75
blocked = torch.zeros(2, 3, 3)
blocked[1, :2, 2] = blocked[1, 2, :2] = -100

layers += [
    case("layerNorm", lambda x, w, b: F.layer_norm(x, (5,), w, b), values(2, 3, 5), weighted(values(5), values(5))),
    case(
        "layerNorm of a constant vector",
        lambda x, w, b: F.layer_norm(x, (5,), w, b),
        constant_vector,
        weighted(values(5), values(5)),
    ),
    case(
        "attention with a bias",
        attention(2),
        values(2, 3, 6),
        {"bias": values(2, 3, 3), **projection("query_key_value", 18, 6), **projection("output", 6, 6)},
    ),
    case(
        "attention with a bias and masks in turn",
        attention(2, blocked),
        values(4, 3, 4),
        {"bias": values(2, 3, 3), **projection("query_key_value", 12, 4), **projection("output", 4, 4)},
    ),
    case(
        "attention to a context",
        cross_attention(2),
        values(2, 3, 4),
        {"context": values(2, 5, 3), **projection("query", 4, 4), **projection("key_value", 8, 3), **projection("output", 4, 4)},
    ),
]
target = Path("src/nn/fixtures/layers.json")
target.write_text(json.dumps({"layers": layers, "statistics": statistics}, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
