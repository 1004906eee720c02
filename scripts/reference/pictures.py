"""The small picture that the image files of formats.py hold, what is expected of it, and how other decoders read a file."""

import io
import subprocess

import numpy as np
from PIL import Image, ImageCms, ImageOps

HEIGHT, WIDTH = 17, 24


def scene():
    """Shading, noise, a disk, a dark and a white line: smooth and sharp, grey and saturated."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    shade = 0.5 + 0.4 * np.sin(x / 5) * np.cos(y / 4)
    rgb = np.stack([shade, 0.3 + 0.5 * x / WIDTH, 0.7 - 0.5 * y / HEIGHT], -1)
    rgb[(x - 15) ** 2 + (y - 8) ** 2 < 20] = (0.9, 0.15, 0.1)
    rgb[:, 4], rgb[13] = 0, 1
    return np.clip(rgb + 0.02 * np.random.RandomState(5).normal(size=rgb.shape), 0, 1), np.clip((x - 3) / (WIDTH - 7), 0, 1)


# What is expected: values in 0 .. 1, [height, width, 1 to 4], of grey or RGB and opacity.

def unit(array):
    array = np.atleast_3d(array)
    return array / np.iinfo(array.dtype).max


def from_cmyk(array):
    c = unit(array)
    return (1 - c[..., :3]) * (1 - c[..., 3:])


def in_range(array, low, high):
    return np.clip((np.atleast_3d(array).astype(float) - low) / (high - low), 0, 1)


def over_black(values):
    if values.shape[-1] in (2, 4):
        values = values[..., :-1] * values[..., -1:]
    return np.broadcast_to(values, (*values.shape[:2], 3))


def quantised(values, bits):
    return np.floor(over_black(values) * (2**bits - 1) + 0.5).astype(f"<u{bits // 8}")


# The other decoders.


def convert(*arguments, data=None):
    done = subprocess.run(["convert", *map(str, arguments)], input=data, capture_output=True)
    if not done.stdout and data is None:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


def pillow(path):
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode in ("I;16", "I;16B", "I"):
        return unit(np.asarray(image).astype(np.uint16))
    if image.mode == "CMYK":
        return unit(np.asarray(image.convert("RGB")))
    grey = image.mode in ("1", "L", "LA") and "transparency" not in image.info
    return unit(np.asarray(image.convert("LA" if grey else "RGBA")))


def imagemagick(path):
    frame = f"{path}[0]"
    size = convert(frame, "-auto-orient", "-format", "%w %h", "info:").split()
    raw = convert(frame, "-auto-orient", "-colorspace", "sRGB", "-depth", 16, "-endian", "LSB", "rgba:-")
    return unit(np.frombuffer(raw, "<u2").reshape(int(size[1]), int(size[0]), 4))


def through_profile(path):
    """Pillow with LittleCMS, at 8 bits."""
    image = ImageOps.exif_transpose(Image.open(path))
    own = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    return unit(np.asarray(ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")))
