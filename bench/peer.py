"""The PyTorch side of a comparison: the workloads of workloads.ts, run on request (see ours.ts for the protocol)."""

import json
import re
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts" / "reference"))
from forgery_networks import Detector, Features, Generator, detector_loss, generator_loss  # noqa: E402
from segmentation import Segmentation, segmentation_loss  # noqa: E402
from student import Student, distance, distillation, normality, orthogonality  # noqa: E402
from vessel_network import VesselNetwork, vessel_loss  # noqa: E402

name, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)


def conv_norm_relu(channels, filters, stride=1):
    return nn.Sequential(nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(True))


def block(channels, filters, stride=1):
    return nn.Sequential(conv_norm_relu(channels, filters, stride), conv_norm_relu(filters, filters))


class UNet(nn.Module):
    def __init__(self, width, depth, channels):
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList([block(channels, width)] + [block(a, b, 2) for a, b in zip(widths, widths[1:])])
        self.up = nn.ModuleList([nn.ConvTranspose2d(b, a, 2, 2) for a, b in zip(widths, widths[1:])])
        self.decoder = nn.ModuleList([block(2 * a, a) for a in widths[:-1]])
        self.output = nn.Conv2d(width, channels, 3, 1, 1)

    def forward(self, image):
        x, skips = image, []
        for down in self.down:
            x = down(x)
            skips.append(x)
        for level in reversed(range(len(self.up))):
            x = self.decoder[level](torch.cat([skips[level], self.up[level](x)], 1))
        return image + self.output(x)


class Bottleneck(nn.Module):
    def __init__(self, width, depth, latent, channels, size):
        super().__init__()
        widths = [width * 2**level for level in range(depth)]

        def step(kind, a, b):
            return nn.Sequential(kind(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2, True))

        self.encoder = nn.Sequential(*[step(nn.Conv2d, a, b) for a, b in zip([channels, *widths], widths)])
        self.inner = (widths[-1], size // 2**depth, size // 2**depth)
        inner = self.inner[0] * self.inner[1] * self.inner[2]
        self.latent, self.expand = nn.Linear(inner, latent), nn.Linear(latent, inner)
        outs = [widths[max(level - 1, 0)] for level in range(depth)]
        self.decoder = nn.Sequential(*[step(nn.ConvTranspose2d, widths[i], outs[i]) for i in reversed(range(depth))])
        self.output = nn.Conv2d(width, channels, 3, 1, 1)

    def forward(self, x):
        x = F.leaky_relu(self.expand(self.latent(self.encoder(x).flatten(1))), 0.2).reshape(-1, *self.inner)
        return self.output(self.decoder(x))


class BasicBlock(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, filters, 3, stride, 1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(True),
            nn.Conv2d(filters, filters, 3, 1, 1, bias=False),
            nn.BatchNorm2d(filters),
        )
        same = stride == 1 and channels == filters
        projection = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))
        self.shortcut = nn.Identity() if same else projection

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def resnet18(width, classes):
    stem = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(True), nn.MaxPool2d(3, 2, 1)]
    widths = [width, width, 2 * width, 4 * width, 8 * width]
    stages = [
        BasicBlock(filters if half else before, filters, 2 if stage > 0 and not half else 1)
        for stage, (before, filters) in enumerate(zip(widths, widths[1:]))
        for half in (0, 1)
    ]
    return nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, classes))


def folded(network):
    """With normalisations inside the convolutions before them, for evaluation alone."""
    network.eval().requires_grad_(False)
    for module in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for i in range(len(module) - 1):
            if isinstance(module[i], nn.Conv2d) and isinstance(module[i + 1], nn.BatchNorm2d):
                module[i], module[i + 1] = fuse_conv_bn_eval(module[i], module[i + 1]), nn.Identity()
    return network


class SwinBlock(nn.Module):
    """Liu et al. 2021, figure 3b, one of the pair. x: [batch, size, size, channels]."""

    def __init__(self, channels, heads, window, size, shift):
        super().__init__()
        self.heads, self.window, self.size, self.shift = heads, window, size, shift
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv, self.output = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.mlp = nn.Sequential(nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels))
        self.table = nn.Parameter(0.02 * torch.randn((2 * window - 1) ** 2, heads))
        at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        apart = at[:, :, None] - at[:, None, :] + window - 1
        self.register_buffer("positions", apart[0] * (2 * window - 1) + apart[1])
        region = torch.zeros(1, size, size, 1)
        bands = (slice(0, size - window), slice(size - window, size - shift), slice(size - shift, size))
        for i, rows in enumerate(bands):
            for j, columns in enumerate(bands):
                region[:, rows, columns] = 3 * i + j
        regions = self.windows(region).squeeze(-1)
        self.register_buffer("mask", (regions[:, None, :] != regions[:, :, None]) * -100.0)

    def windows(self, x):
        batch, size, _, channels = x.shape
        count = size // self.window
        parts = x.view(batch, count, self.window, count, self.window, channels).permute(0, 1, 3, 2, 4, 5)
        return parts.reshape(-1, self.window**2, channels)

    def attention(self, x):
        windows, tokens, channels = x.shape
        q, k, v = self.qkv(x).reshape(windows, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = (q * (channels // self.heads) ** -0.5) @ k.transpose(-2, -1)
        scores = scores + self.table[self.positions].permute(2, 0, 1)
        if self.shift:
            per_image = scores.view(-1, len(self.mask), self.heads, tokens, tokens)
            scores = (per_image + self.mask[None, :, None]).view(-1, self.heads, tokens, tokens)
        return self.output((scores.softmax(-1) @ v).transpose(1, 2).reshape(windows, tokens, channels))

    def forward(self, x):
        batch, size, _, channels = x.shape
        y = torch.roll(self.norm1(x), (-self.shift, -self.shift), (1, 2))
        y = self.attention(self.windows(y)).view(batch, size // self.window, size // self.window, self.window, self.window, channels)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(batch, size, size, channels)
        x = x + torch.roll(y, (self.shift, self.shift), (1, 2))
        return x + self.mlp(self.norm2(x))


class SwinStage(nn.Module):
    """Patch embedding, a pair of blocks, mean over tokens, classes."""

    def __init__(self, channels, heads, window, size, classes):
        super().__init__()
        self.embedding, self.norm = nn.Conv2d(3, channels, 4, 4), nn.LayerNorm(channels)
        self.blocks = nn.Sequential(*[SwinBlock(channels, heads, window, size, shift) for shift in (0, window // 2)])
        self.final, self.classes = nn.LayerNorm(channels), nn.Linear(channels, classes)

    def forward(self, image):
        x = self.blocks(self.norm(self.embedding(image).permute(0, 2, 3, 1)))
        return self.classes(self.final(x).mean((1, 2)))


def mirrored_filter(size, kernel):
    matrix, radius = torch.zeros(size, size), len(kernel) // 2
    for row in range(size):
        for k, weight in enumerate(kernel):
            position = (row + k - radius) % (2 * size)
            matrix[row, position if position < size else 2 * size - 1 - position] += weight
    return matrix


def gaussian_filter(size, sigma, radius):
    gauss = torch.exp(-(torch.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    return mirrored_filter(size, (gauss / gauss.sum()).tolist())


window = gaussian_filter(128, 1.5, 5)


def ssim(x, y):
    def local(image):
        return window @ image @ window.T

    mx, my = local(x), local(y)
    variances = local(x * x + y * y) - (mx * mx + my * my)
    covariance = local(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return 1 - (2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (variances + c2))


def images():
    return torch.rand(8, 3, 128, 128), torch.rand(8, 3, 128, 128)


def classified(batch, size, classes):
    return torch.rand(batch, 3, size, size), torch.arange(batch) % classes


def adam(weights):
    return torch.optim.Adam(weights, 1e-3)


def adam_w(weights):
    return torch.optim.AdamW(weights, 1e-3, weight_decay=0.05)


def adam_w_of_segmentations(weights):
    return torch.optim.AdamW(weights, 1e-3, weight_decay=0.01)


def adam_of_students(weights):
    return torch.optim.Adam(weights, 5e-3, betas=(0.5, 0.999))


def trained(network, inputs, objective, make_optimiser):
    """A step of one network with one output, which is also what is predicted."""
    image, target = inputs
    return network, lambda: objective(network(image), target), lambda: network(image), make_optimiser


def distilling(fed, size=256, batch=8, exemplars=4):
    teacher = folded(resnet18(64, 10)[:10])  # up to the third stage
    scales = [(64, size // 4), (128, size // 8), (256, size // 16)]
    modules = {"modules": ["recall", "none"], "items": 1000, "temperature": 0.03}
    student = Student(scales, {"width": 64, "blocks": 2, **modules})
    smoothing = gaussian_filter(size, 4, 16)

    def features(image):
        found = []
        with torch.no_grad():
            for index, layer in enumerate(teacher):
                image = layer(image)
                if index in (5, 7, 9):
                    found.append(image)
        return found

    batches = [torch.rand(count, 3, size, size) for count in (batch, exemplars)]
    kept = [features(images) for images in batches] if fed == "features" else None

    def loss():
        seen, normal = kept or [features(images) for images in batches]
        remembered = normality(student.recollections(normal))
        return distillation(seen, student(seen), "position") + 0.1 * remembered + 0.1 * orthogonality(student.memories())

    image = torch.rand(1, 3, size, size)

    def anomaly_map():
        seen = features(image)
        maps = [distance(t, s)[:, None] for t, s in zip(seen, student(seen))]
        return smoothing @ sum(F.interpolate(m, (size, size), mode="bilinear") for m in maps) @ smoothing.T

    return student, loss, anomaly_map, adam_of_students


def grading(batch=8, size=128):
    options = {"patch": 4, "width": 16, "depths": [2, 2, 2, 2], "heads": [1, 2, 4, 8], "window": 4, "expansion": 4}
    options |= {"position": "sum", "normalisation": "batch", "channels": 32, "auxiliary": True, "auxiliaryChannels": 32, "classes": 4}
    network = Segmentation(options, (size, size))
    inputs = torch.rand(batch, 3, size, size), torch.arange(batch * size * size).view(batch, size, size) % 4
    return trained(network, inputs, segmentation_loss, adam_w_of_segmentations)


def forging(batch=8, side=128):
    """The system's small preset: a step of the generator, then one of the detector, which is also what predicts."""
    made_by = {"width": 8, "depths": [1, 1, 2], "kernels": 4}
    found_by = {"width": 16, "depths": [1, 2, 2], "kernels": 4, "globalFrequency": True, "localFrequency": True, "lowRank": {"rank": 8}}
    options = {"similarity": 1, "diversity": 0.1, "area": 1, "maskArea": [0.3, 0.9], "styleLoss": 1}
    generator, detector = Generator(made_by), Detector(found_by, (side // 8, side // 8))
    perception = Features(3, 16, [1, 1, 1], normalised=False).requires_grad_(False)
    real, reference, forged = (torch.rand(batch, 3, side, side) for _ in range(3))
    region, known = torch.rand(batch, 1, side, side), torch.rand(batch)

    def of_generator():
        return generator_loss(generator, detector, real, reference, options, lambda x: perception(2 * x - 1))

    def of_detector():
        return detector_loss(generator, detector, real, reference, forged, region, known, options)

    turns = [(generator, of_generator), (detector, of_detector)]
    return nn.ModuleList([generator, detector]), turns, lambda: detector(real), adam


def progression(batch=8, channels=12, size=64):
    network = VesselNetwork(channels, {"width": 16, "depth": 3, "normalisation": "batch", "classes": 7})
    target = torch.arange(batch * size * size).view(batch, size, size) % 4
    inputs = torch.rand(batch, channels, size, size), (target, torch.rand(batch, size, size))
    return trained(network, inputs, lambda y, wanted: vessel_loss(y, *wanted), adam_w_of_segmentations)


workloads = {
    "bottleneck-autoencoder": lambda: trained(Bottleneck(32, 4, 128, 3, 128), images(), F.mse_loss, adam),
    "denoising-unet": lambda: trained(
        UNet(16, 4, 3), images(), lambda y, x: F.l1_loss(y, x) + 0.5 * ssim(x, y).mean(), adam
    ),
    "resnet-18": lambda: trained(resnet18(64, 10), classified(16, 128, 10), F.cross_entropy, adam),
    "swin-block": lambda: trained(SwinStage(96, 3, 7, 56, 10), classified(4, 224, 10), F.cross_entropy, adam_w),
    "grading": grading,
    "forgery": forging,
    "progression": progression,
    "distillation": lambda: distilling("images"),
    "distillation-cached": lambda: distilling("features"),
}

network, objective, prediction, make_optimiser = workloads[name]()
# Parts that train in turn, the others held, each with its objective; most networks are one part.
turns = objective if isinstance(objective, list) else [(network, objective)]
optimisers = [make_optimiser(part.parameters()) for part, _ in turns]


def train():
    network.train()
    for (part, objective_of_part), optimiser in zip(turns, optimisers):
        network.requires_grad_(False)
        part.requires_grad_(True)
        optimiser.zero_grad(set_to_none=True)
        loss = objective_of_part()
        loss.backward()
        optimiser.step()
        loss.item()


def predict():
    network.eval()
    with torch.inference_mode():
        return prediction()


def timed(run, repeats):
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    request, *repeats = line.split()
    if request == "peak":
        answer = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    elif request == "weights":
        answer = sum(weight.numel() for weight in network.parameters())
    else:
        answer = timed({"train": train, "predict": predict}[request], int(repeats[0]))
    print(json.dumps(answer), flush=True)
