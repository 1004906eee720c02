"""Writes src/imaging/slides/fixtures/jpeg-2000.json: the tiles of one picture as JPEG 2000 code streams of many kinds, with the colours
that they stand for.

The code streams are those of opj_compress. The colours of YCbCr are computed here from the samples that are stored, by the formula of
ITU-T T.871, chrominance repeated. Run from the repository root:

    apt-get install libopenjp2-tools
    python3 scripts/reference/jpeg-2000.py      (numpy 1.24, OpenJPEG 2.5.0)
"""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, TILE = 40, 28, 16


def picture():
    """Waves with noise, and black and white corners, where conversions clamp."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [120 + 70 * np.sin(x / (3 + 2 * c)) + 50 * np.cos(y / (7 - 2 * c)) + rng.uniform(0, 12, x.shape) for c in range(3)]
    image = np.stack(waves, -1).round().clip(0, 255).astype(np.uint8)
    image[:3, :3], image[-3:, -3:] = 0, 255
    image[10:20, 10:14], image[10:20, 14:18], image[10:20, 18:22] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return image


def ycbcr(rgb):
    r, g, b = np.moveaxis(rgb.astype(float), -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402], -1).round().clip(0, 255).astype(np.uint8)


def rgb(ycc):
    y, cb, cr = np.moveaxis(ycc.astype(float), -1, 0)
    blue, red = cb - 128, cr - 128
    green = y - (0.114 * 1.772 * blue + 0.299 * 1.402 * red) / 0.587
    return np.stack([y + 1.402 * red, green, y + 1.772 * blue], -1).round().clip(0, 255).astype(np.uint8)


def thinned(channel, across, down):
    rows, columns = channel.shape
    return channel.reshape(rows // down, down, columns // across, across).mean((1, 3)).round().astype(np.uint8)


def repeated(channel, across, down):
    return channel.repeat(down, 0).repeat(across, 1)


def compress(channels, *options, sizes=None, depth=8, sign="u", name="j2k"):
    """One code stream of channels [height, width], the first at full size; `sizes` are those of their samples."""
    height, width = channels[0].shape
    sizes = sizes or ["1x1"] * len(channels)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "tile.raw"), Path(folder, f"tile.{name}")
        source.write_bytes(b"".join(channel.astype(">u2" if depth > 8 else np.uint8).tobytes() for channel in channels))
        kind = f"{width},{height},{len(channels)},{depth},{sign}@{':'.join(sizes)}"
        arguments = ["opj_compress", "-i", source, "-o", target, "-F", kind, "-n", "3", *options]
        subprocess.run(arguments, check=True, capture_output=True)
        return base64.b64encode(target.read_bytes()).decode()


def tiles(image):
    """Whole tiles, row by row; beyond the border its last pixels again."""
    padding = [(0, -side % TILE) for side in image.shape[:2]] + [(0, 0)] * (image.ndim - 2)
    image = np.pad(image, padding, mode="edge")
    for y in range(0, image.shape[0], TILE):
        for x in range(0, image.shape[1], TILE):
            yield image[y : y + TILE, x : x + TILE]


def split(tile):
    return list(np.moveaxis(tile, -1, 0))


def encoded(value):
    return base64.b64encode(value.tobytes()).decode()


image = picture()
ycc = ycbcr(image)
first = next(tiles(image))


def subsampled(across, down):
    """Tiles whose chrominance covers more pixels, and their colours."""
    streams, colours = [], np.zeros((-(-HEIGHT // TILE) * TILE, -(-WIDTH // TILE) * TILE, 3), np.uint8)
    for i, tile in enumerate(tiles(ycc)):
        y, *chrominance = split(tile)
        thin = [thinned(channel, across, down) for channel in chrominance]
        streams.append(compress([y, *thin], "-mct", "0", sizes=["1x1"] + [f"{across}x{down}"] * 2))
        top, left = i // (colours.shape[1] // TILE) * TILE, i % (colours.shape[1] // TILE) * TILE
        full = np.stack([y, *(repeated(channel, across, down) for channel in thin)], -1)
        colours[top : top + TILE, left : left + TILE] = rgb(full)
    return {"tiles": streams, "rgb": encoded(np.ascontiguousarray(colours[:HEIGHT, :WIDTH]))}


def strips(image):
    return [compress(split(image[y : y + TILE]), "-mct", "1") for y in range(0, HEIGHT, TILE)]


fixture = {
    "width": WIDTH,
    "height": HEIGHT,
    "tile": TILE,
    "rgb": encoded(image),
    "grey": encoded(image[..., 0]),
    "lossless": {
        "transformed": [compress(split(tile), "-mct", "1") for tile in tiles(image)],
        "plain": [compress(split(tile), "-mct", "0") for tile in tiles(image)],
        "jp2": [compress(split(tile), "-mct", "1", name="jp2") for tile in tiles(image)],
        "layers": [compress(split(tile), "-mct", "1", "-r", "8,4,1") for tile in tiles(image)],
        "parts": [compress(split(tile), "-mct", "1", "-t", "8,8") for tile in tiles(image)],
    },
    "strips": strips(image),
    "greyTiles": [compress([tile]) for tile in tiles(image[..., 0])],
    "lossy": [compress(split(tile), "-mct", "1", "-I", "-r", "3") for tile in tiles(image)],
    "4:4:4": subsampled(1, 1),
    "4:2:2": subsampled(2, 1),
    "4:2:0": subsampled(2, 2),
    "other": {
        "deep": compress(split(first.astype(int) * 257), "-mct", "1", depth=16),
        "signed": compress(split(first), "-mct", "0", sign="s"),
        "opaque": compress([*split(first), first[..., 0]], "-mct", "0"),
        "4:4:0": compress([split(first)[0], *(thinned(c, 1, 2) for c in split(first)[1:])], "-mct", "0", sizes=["1x1", "1x2", "1x2"]),
        "offset": compress(split(first), "-mct", "1", "-d", "4,4"),
    },
}
path = Path("src/imaging/slides/fixtures/jpeg-2000.json")
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(fixture))
print(path, path.stat().st_size)
