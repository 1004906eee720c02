"""Writes src/systems/progression/network/fixtures/segmentation.json: a training step of the U-Net in float64 PyTorch (vessel_network.py).

The loss is taken over the pixels that count, picked from the others, whose logits are not looked at. The first slice is of two classes alone, and no
pixel is of the last class. Run from the repository root:

    python3 scripts/reference/vessel-segmentation.py      (PyTorch 1.13)
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from recording import named, on_grid, packed, packed_grid, random_values, recorded_step
from vessel_network import VesselNetwork, vessel_loss

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
rng = np.random.default_rng(43)
CHANNELS, SIZE, BATCH, CLASSES = 6, (12, 20), 3, 5
options = {"width": 3, "depth": 2, "classes": CLASSES}
weights = {"crossEntropy": 0.75, "dice": 1.5}

x = on_grid(torch.as_tensor(rng.normal(size=(BATCH, CHANNELS, *SIZE))))
target = torch.as_tensor(rng.integers(0, CLASSES - 1, (BATCH, *SIZE)))
target[0] %= 2
counts = torch.as_tensor(rng.choice([0.0, 1.0], target.shape, p=[0.3, 0.7]))


def terms(logits):
    """Cross-entropy and Dice of the pixels that count: [pixels, classes] against [pixels]."""
    seen, truth = logits.movedim(1, -1)[counts > 0], target[counts > 0]
    p = seen.softmax(1)
    dice = [(2 * p[truth == c, c].sum() + 1) / (p[:, c].sum() + (truth == c).sum() + 1) for c in range(CLASSES)]
    return F.cross_entropy(seen, truth), 1 - sum(dice) / CLASSES


def loss_of(logits):
    cross_entropy, dice = terms(logits)
    loss = weights["crossEntropy"] * cross_entropy + weights["dice"] * dice
    timed = vessel_loss(logits, target, counts, weights["crossEntropy"], weights["dice"])
    assert abs(timed - loss) < 1e-12, "the loss that bench/peer.py times is another one"
    return loss


def step(normalisation, values):
    network = VesselNetwork(CHANNELS, {**options, "normalisation": normalisation})
    recorded = recorded_step(network, values, x, loss_of)
    logits = network.train()(x)
    cross_entropy, dice = (term.item() for term in terms(logits))
    measured = {"logits": packed(logits), "crossEntropy": cross_entropy, "dice": dice}
    return {"normalisation": normalisation, **measured, **recorded}


state = VesselNetwork(CHANNELS, {**options, "normalisation": "batch"}).state_dict()
values = {key: on_grid(random_values(key, tensor, rng)) for key, tensor in state.items() if "num_batches" not in key}
reference = {
    "options": options,
    "weights": weights,
    "x": packed_grid(x),
    "target": {"shape": list(target.shape), "numbers": "".join(map(str, target.flatten().tolist()))},
    "counts": packed_grid(counts),
    "values": named(values, packed_grid),
    "steps": [step(normalisation, values) for normalisation in ("batch", "instance")],
}
path = Path("src/systems/progression/network/fixtures/segmentation.json")
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{path}: {path.stat().st_size} bytes")
