"""Writes what PyTorch computes of TFLite operators and of a pretrained network, both in float64.

src/graph/import/tflite/fixtures/operators.json: small convolutions and sums, images as [batch, channels, height, width] and
constants as a TFLite file has them.
src/systems/distillation/teachers/fixtures/objectron.json: features of a 64 x 64 photograph (skimage.data.astronaut, by NASA, in
the public domain), from the weights in the installed npm package, which are read here by following the file's offsets.
Run from the repository root:

    python3 scripts/reference/tflite.py      (numpy 1.24, PyTorch 1.13, scikit-image 0.19)
"""

import base64
import json
import struct
from math import ceil
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from skimage import data

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(3)


def same_padding(size, kernel, stride, dilation):
    """TensorFlow's: as many zeros as ceil(size / stride) places need, the smaller half before."""
    missing = max((ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return missing // 2, missing - missing // 2


def activated(y, activation):
    return {"NONE": y, "RELU": F.relu(y), "RELU6": F.relu6(y)}[activation]


def convolved(x, weight, bias, padding, stride, dilation, groups=1):
    """x and weight as PyTorch has them; stride and dilation along [height, width]."""
    if padding == "SAME":
        (top, bottom), (left, right) = (
            same_padding(x.shape[2 + i], weight.shape[2 + i], stride[i], dilation[i]) for i in (0, 1)
        )
        x = F.pad(x, (left, right, top, bottom))
    return F.conv2d(x, weight, bias, stride, 0, dilation, groups)


def convolution_weight(filters):
    """From [filters, height, width, channels]."""
    return filters.permute(0, 3, 1, 2)


def depthwise_weight(filters):
    """From [1, height, width, channels * multiplier]."""
    return filters.permute(3, 0, 1, 2)


# --- small operators ---------------------------------------------------------------------------------------------------------


def grid(*shape):
    """Normal values on a grid of 1/8: short to write, exact as halves."""
    return torch.as_tensor(np.round(8 * rng.normal(size=shape)) / 8)


def packed(tensor):
    numbers = [float(f"{v:.9g}") for v in tensor.numpy().ravel()]
    return {"shape": list(tensor.shape), "data": [int(v) if v == int(v) else v for v in numbers]}


def conv(size, channels, filters, kernel, padding="SAME", stride=(1, 1), dilation=(1, 1), activation="NONE"):
    x, w, b = grid(2, channels, *size), grid(filters, *kernel, channels), grid(filters)
    y = activated(convolved(x, convolution_weight(w), b, padding, stride, dilation), activation)
    return case("CONV_2D", x, w, b, padding, stride, dilation, activation, y)


def depthwise(size, channels, multiplier, kernel, padding="SAME", stride=(1, 1), dilation=(1, 1), activation="NONE"):
    x, w, b = grid(2, channels, *size), grid(1, *kernel, channels * multiplier), grid(channels * multiplier)
    y = activated(convolved(x, depthwise_weight(w), b, padding, stride, dilation, channels), activation)
    return case("DEPTHWISE_CONV_2D", x, w, b, padding, stride, dilation, activation, y)


def case(operator, x, w, b, padding, stride, dilation, activation, y):
    options = {"padding": padding, "stride": stride, "dilation": dilation, "activation": activation}
    return {"operator": operator, "options": options, "x": packed(x), "filters": packed(w), "bias": packed(b), "y": packed(y)}


def addition(shape, activation):
    """x: [batch, channels, height, width], plus a constant that a TFLite file has with its channels last."""
    x, other = 3 * grid(2, 3, 4, 5), 3 * grid(*shape)
    last = x.permute(0, 2, 3, 1)
    y = activated((last + other).permute(0, 3, 1, 2), activation)
    return {"activation": activation, "x": packed(x), "constant": packed(other), "y": packed(y)}


operators = {
    "convolutions": [
        conv((8, 6), 2, 3, (3, 3), stride=(2, 2), activation="RELU6"),
        conv((7, 5), 2, 3, (3, 3), stride=(2, 2), activation="RELU"),
        conv((9, 6), 3, 2, (2, 4), stride=(1, 3)),
        conv((5, 7), 2, 2, (1, 1), stride=(2, 3)),
        conv((6, 9), 2, 2, (3, 2), dilation=(1, 3)),
        conv((9, 7), 2, 2, (3, 3), padding="VALID", stride=(2, 1), dilation=(2, 1)),
        depthwise((7, 6), 3, 1, (3, 3), stride=(2, 2), activation="RELU6"),
        depthwise((6, 5), 2, 2, (3, 2), dilation=(2, 1)),
        depthwise((6, 7), 2, 3, (2, 3), padding="VALID", stride=(1, 2)),
    ],
    "additions": [
        addition((3,), "NONE"),
        addition((5, 3), "RELU6"),
        addition((1, 4, 5, 3), "RELU"),
        addition((), "RELU6"),
    ],
}


# --- a pretrained network ----------------------------------------------------------------------------------------------------

BYTES = Path("node_modules/@mediapipe/objectron/objectron_solution_packed_assets.data").read_bytes()[184:9987912]


def unsigned(at):
    return struct.unpack_from("<I", BYTES, at)[0]


def field(table, number):
    """Where a table has a field, or None."""
    directory = table - struct.unpack_from("<i", BYTES, table)[0]
    size = struct.unpack_from("<H", BYTES, directory)[0]
    distance = struct.unpack_from("<H", BYTES, directory + 4 + 2 * number)[0] if 4 + 2 * number < size else 0
    return table + distance if distance else None


def linked(table, number):
    at = field(table, number)
    return at + unsigned(at)


def listed(table, number, kind):
    at = field(table, number)
    if at is None:
        return ()
    start = at + unsigned(at)
    return struct.unpack_from(f"<{unsigned(start)}{kind}", BYTES, start + 4)


def tables(table, number):
    start = linked(table, number) + 4
    return [start + 4 * i + offset for i, offset in enumerate(listed(table, number, "I"))]


def scalar(table, number, kind, otherwise=0):
    at = field(table, number)
    return otherwise if at is None else struct.unpack_from(f"<{kind}", BYTES, at)[0]


ACTIVATIONS = {0: "NONE", 1: "RELU", 3: "RELU6"}
WANTED = {
    "stride4": "FeatureExtractor/MobilenetV2/expanded_conv_2/add",
    "stride8": "FeatureExtractor/MobilenetV2/expanded_conv_5/add",
    "stride16": "FeatureExtractor/MobilenetV2/expanded_conv_9/add",
}


def features(image):
    """Values of the network by name, up to the last wanted one. image: [1, 3, height, width] in [-1, 1]."""
    model = unsigned(0)
    graph = tables(model, 2)[0]
    codes = [scalar(code, 0, "b") for code in tables(model, 1)]
    buffers, tensors = tables(model, 4), tables(graph, 0)

    def stored(index):
        """Halves, whatever shape the file gives them."""
        raw = bytes(listed(buffers[scalar(tensors[index], 2, "I")], 0, "B"))
        return torch.as_tensor(np.frombuffer(raw, "<f2").astype(float)).reshape(listed(tensors[index], 0, "i"))

    values = {listed(graph, 1, "i")[0]: image}
    named = {}
    for operator in tables(graph, 3):
        code = codes[scalar(operator, 0, "I")]
        inputs, (output,) = listed(operator, 1, "i"), listed(operator, 2, "i")
        if code == 6:
            values[output] = stored(inputs[0])
            continue
        options = linked(operator, 4)
        if code == 0:
            y = activated(values[inputs[0]] + values[inputs[1]], ACTIVATIONS[scalar(options, 0, "b")])
        else:
            x, filters, bias = (values[index] for index in inputs)
            depth = code == 4
            weight = depthwise_weight(filters) if depth else convolution_weight(filters)
            stride = scalar(options, 2, "i"), scalar(options, 1, "i")
            padding = "VALID" if scalar(options, 0, "b") else "SAME"
            y = convolved(x, weight, bias, padding, stride, (1, 1), x.shape[1] if depth else 1)
            y = activated(y, ACTIVATIONS[scalar(options, 4 if depth else 3, "b")])
        values[output] = y
        named[bytes(listed(tensors[output], 3, "B")).decode()] = y
        if all(name in named for name in WANTED.values()):
            return {key: named[name][0] for key, name in WANTED.items()}


photograph = data.astronaut()[20:276, 100:356].reshape(64, 4, 64, 4, 3).mean((1, 3)).round().astype(np.uint8)
found = features(torch.as_tensor(photograph / 127.5 - 1).permute(2, 0, 1)[None])


def sampled(maps):
    """All channels at a corner, in the middle and at the opposite corner, and of every channel the mean."""
    _, height, width = maps.shape
    places = [(0, 0), (height // 2, width // 3), (height - 1, width - 1)]
    rounded = lambda vector: [float(f"{v:.7g}") for v in vector.tolist()]
    return {
        "shape": list(maps.shape),
        "places": [{"row": row, "column": column, "features": rounded(maps[:, row, column])} for row, column in places],
        "means": rounded(maps.mean((1, 2))),
    }


objectron = {
    "image": {"shape": [64, 64, 3], "data": base64.b64encode(photograph.tobytes()).decode()},
    "features": {name: sampled(maps) for name, maps in found.items()},
}

for target, reference in {
    "src/graph/import/tflite/fixtures/operators.json": operators,
    "src/systems/distillation/teachers/fixtures/objectron.json": objectron,
}.items():
    Path(target).write_text(json.dumps(reference, separators=(",", ":")) + "\n")
    print(f"{target}: {Path(target).stat().st_size} bytes")
