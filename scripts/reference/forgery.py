"""Writes src/systems/forgery/network/fixtures/{transforms,networks}.json, the latter by forgery_networks.py in float64 PyTorch.

transforms.json: cosine transforms by SciPy, and best approximations of lower rank by NumPy's singular-value decomposition.
networks.json: one step of the generator and one of the detector, and the detector's answers. Run from the repository root:

    python3 scripts/reference/forgery.py      (PyTorch 1.13, SciPy 1.10)
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from forgery_networks import Detector, Generator, detector_loss, generator_loss
from recording import named, on_grid, packed, packed_grid, random_values, shaped
from scipy.fft import dctn
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
folder = Path("src/systems/forgery/network/fixtures")
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(43)


def write(name, content):
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


def images(count, side):
    """Smooth fields and a little noise, in [0, 1) on an 8-bit grid."""
    coarse = torch.as_tensor(rng.uniform(0.1, 0.9, (count, 3, 5, 5)))
    smooth = F.interpolate(coarse, (side, side), mode="bicubic", align_corners=False)
    noisy = smooth + torch.as_tensor(rng.normal(0, 0.05, smooth.shape))
    return on_grid(noisy.clamp(0, 0.99))


image = on_grid(torch.as_tensor(rng.uniform(0, 0.99, (1, 2, 16, 24))))
blocks = image.reshape(1, 2, 2, 8, 3, 8).transpose(3, 4)
of_blocks = dctn(blocks.numpy(), axes=(-2, -1), norm="ortho").reshape(1, 2, 6, 64).swapaxes(2, 3)

left, right = (np.linalg.qr(rng.normal(size=(1, 2, size, 12)))[0] for size in (64, 20))
spectrum = np.array([9.0, 7, 5, 4, 3, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05])
matrices = on_grid(torch.as_tensor(left * spectrum @ right.swapaxes(-1, -2)))
u, s, v = np.linalg.svd(matrices.numpy(), full_matrices=False)
write(
    "transforms",
    {
        "image": packed_grid(image),
        "whole": shaped(torch.as_tensor(dctn(image.numpy(), axes=(-2, -1), norm="ortho"))),
        "blocks": shaped(torch.as_tensor(of_blocks.copy())),
        "matrices": packed_grid(matrices),
        "rank": 5,
        "nearest": shaped(torch.as_tensor((u[..., :5] * s[..., None, :5]) @ v[..., :5, :])),
    },
)

side = 24
common = {"width": 2, "depths": [1, 1, 1], "kernels": 2}
of_generator = {**common, "blend": True, "style": True}
of_detector = {**common, "globalFrequency": True, "localFrequency": True, "lowRank": {"rank": 3}}
options = {"similarity": 0.7, "diversity": 0.3, "area": 0.9, "maskArea": [0.55, 0.65], "styleLoss": 0.8}


def perception(x):
    return [x, F.avg_pool2d(x, 4)]


class Networks(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator, self.detector = Generator(of_generator), Detector(of_detector, (side // 8, side // 8))


networks = Networks()
values = {name: on_grid(random_values(name, tensor, rng)) for name, tensor in networks.state_dict().items()}
networks.load_state_dict(values)
real, reference, forged = images(2, side), images(2, side), images(2, side)
region = torch.zeros(2, 1, side, side)
region[0, :, 5:19, 10:23], region[1, :, 14:, :9] = 1, 1
known = torch.tensor([1.0, 0.0])


def recorded(player, loss):
    networks.zero_grad()
    loss.backward()
    gradients = {f"{player}.{name}": p.grad for name, p in getattr(networks, player).named_parameters()}
    print(player, loss.item(), {name: g.norm().item() for name, g in gradients.items() if g.norm() < 1e-4})
    return {"loss": loss.item(), "gradients": {name: packed(g) for name, g in gradients.items()}, "statisticsAfter": {}}


pair = (networks.generator, networks.detector, real, reference)
with torch.no_grad():
    logit, regions = networks.detector(real[:1])
    kernels, masks, mask, blended, styled = networks.generator(real[:1], reference[:1])
write(
    "networks",
    {
        "networks": {"generator": of_generator, "detector": of_detector},
        "options": options,
        "values": named(values, packed_grid),
        "batch": {
            **{name: packed_grid(x) for name, x in (("real", real), ("reference", reference), ("forged", forged))},
            "forgedRegion": packed_grid(region),
            "regionKnown": packed_grid(known),
        },
        "generatorStep": recorded("generator", generator_loss(*pair, options, perception)),
        "detectorStep": recorded("detector", detector_loss(*pair, forged, region, known, options)),
        "detected": packed(torch.cat([logit, regions.flatten()])),
        "generated": packed(torch.cat([mask[..., ::2].flatten(), styled[..., ::3].flatten()])),
    },
)
