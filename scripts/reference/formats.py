"""Writes src/imaging/fixtures/formats/: one small picture in every kind of image file that is read, and in formats.json what other
decoders make of each: Pillow, ImageMagick 6 with 16 bits, and tifffile for numbers that neither keeps.

A file of a lossless kind is written only if such a decoder gives back exactly the values that went in; of a lossy kind the decoder's
own values are the reference. Opacity over black, ranges and CMYK without a profile are plain formulas below. Run from the
repository root:

    python3 scripts/reference/formats.py      (numpy 1.24, Pillow 9.4, tifffile 2023.2, ImageMagick 6.9.11)
"""

import base64
import hashlib
import json
import struct
import warnings
import zlib
from pathlib import Path

import bitmaps
import numpy as np
import profiles
import tifffile
from PIL import Image
from pictures import HEIGHT, WIDTH, convert, from_cmyk, imagemagick, in_range, pillow, quantised, scene, through_profile, unit

warnings.simplefilter("ignore")
folder = Path("src/imaging/fixtures/formats")
folder.mkdir(parents=True, exist_ok=True)
for old in folder.iterdir():
    old.unlink()
colours, opacity = scene()
rgb16 = np.round(65535 * colours).astype(np.uint16)
rgb8 = np.round(rgb16 / 257).astype(np.uint8)
grey16, grey8 = rgb16[..., 0], rgb8[..., 0]
alpha16, alpha8 = np.round(65535 * opacity).astype(np.uint16), np.round(255 * opacity).astype(np.uint8)
rgba16, rgba8 = np.dstack([rgb16, alpha16]), np.dstack([rgb8, alpha8])
greya8, greya16 = np.dstack([grey8, alpha8]), np.dstack([grey16, alpha16])
cmyk8 = np.dstack([255 - rgb8, (255 - rgb8.max(-1)) // 2])
cmyk16 = cmyk8.astype(np.uint16) * 257 - (cmyk8 > 200)
bilevel = (grey8 > 127).astype(np.uint8) * 255
P = Image.fromarray

READERS = {"Pillow": pillow, "ImageMagick": imagemagick, "Pillow with its profile": through_profile}
pixels, files = {}, []


def stored(array):
    """A picture under the name that its content gives it. 8 bits times 257 and 16 bits rounded to 8 are not stored beside them."""
    packed = zlib.compress(array.tobytes(), 9)
    name = hashlib.sha256(packed).hexdigest()[:12]
    pixels[name] = base64.b64encode(packed).decode()
    return name


def add(name, bits, colour, truth=None, readers=("Pillow", "ImageMagick"), tolerance=0, value_range=None, **header):
    """Enters a written file. `truth`: the values that went in; without them (lossy) the first reader's are taken."""
    path = folder / name
    agreeing = []
    for reader in readers:
        try:
            found = READERS[reader](path)
        except Exception as problem:
            print(f"{name}: {reader}: {str(problem)[:90]}")
            continue
        if truth is None:
            truth = found
        difference = np.abs(quantised(found, 8).astype(int) - quantised(truth, 8)).max() if found.shape[:2] == truth.shape[:2] else "size"
        exact = readers != ("ImageMagick",) or np.abs(quantised(found, 16).astype(int) - quantised(truth, 16)).max() == 0
        if difference == 0 and (exact or tolerance > 0):
            agreeing.append(reader)
        else:
            print(f"{name}: {reader} differs by {difference}")
    if readers and not agreeing:
        raise SystemExit(f"{name}: no reader agrees")
    height, width = truth.shape[:2]
    eight, sixteen = quantised(truth, 8), quantised(truth, 16)
    if np.array_equal(sixteen, eight.astype(np.uint16) * 257):
        kept = {"8": stored(eight)}
    elif np.array_equal(eight, np.floor(sixteen / 257 + 0.5)):
        kept = {"16": stored(sixteen)}
    else:
        kept = {"8": stored(eight), "16": stored(sixteen)}
    files.append(
        {
            "file": name,
            "readers": agreeing or ["formula"],
            "tolerance": tolerance,
            **({"range": dict(zip(("low", "high"), value_range))} if value_range else {}),
            "header": {"format": path.suffix[1:], "width": width, "height": height, "bits": bits, "colour": colour, **header},
            "pixels": kept,
        }
    )


def magick(array, name, *options):
    """Writes an array with ImageMagick, without dates."""
    kind = {1: "gray", 3: "rgb", 4: "rgba"}[np.atleast_3d(array).shape[2]]
    source = ["-size", f"{WIDTH}x{HEIGHT}", "-depth", 8 * array.itemsize, "-endian", "LSB", f"{kind}:-"]
    prefix, _, file = name.rpartition(":")
    convert(*source, *options, "+set", "date:create", "+set", "date:modify", f"{prefix}:{folder / file}".lstrip(":"), data=array.tobytes())


def paletted(count):
    """The picture in `count` colours: positions, and the colours."""
    image = P(rgb8).quantize(count)
    return image, np.array(image.getpalette()[: 3 * count], np.uint8).reshape(-1, 3)


def png():
    for name, array in (("rgb-8", rgb8), ("rgb-16", rgb16), ("rgba-8", rgba8), ("rgba-16", rgba16)):
        bits, alpha = 8 * array.itemsize, array.shape[2] == 4
        kind = f"png{bits * array.shape[2]}:png-{name}"
        for suffix, options in (("", ()), ("-interlaced", ("-interlace", "PNG")))[: 1 if alpha else 2]:
            magick(array, f"{kind}{suffix}.png", *options)
            add(f"png-{name}{suffix}.png", bits, "rgb", unit(array), readers=("ImageMagick",), alpha=alpha)
    for bits in (1, 2, 4, 8, 16):
        given = grey16 if bits == 16 else (np.round(grey8 / 255 * (2**bits - 1)) * (255 // (2**bits - 1))).astype(np.uint8)
        for suffix, options in (("", ()), ("-interlaced", ("-interlace", "PNG")))[: 2 if bits in (1, 16) else 1]:
            name = f"png-grey-{bits}{suffix}.png"
            magick(given, name, *options, "-define", f"png:bit-depth={bits}", "-define", "png:color-type=0")
            add(name, bits, "grey", unit(given), readers=("ImageMagick",))
    P(greya8).save(folder / "png-grey-alpha-8.png")
    add("png-grey-alpha-8.png", 8, "grey", unit(greya8), alpha=True)
    magick(np.dstack([grey16] * 3 + [alpha16]), "png-grey-alpha-16.png", "-define", "png:bit-depth=16", "-define", "png:color-type=4")
    add("png-grey-alpha-16.png", 16, "grey", unit(greya16), readers=("ImageMagick",), alpha=True)
    for bits, count in ((1, 2), (2, 4), (4, 16), (8, 90)):
        image, palette = paletted(count)
        image.save(folder / f"png-palette-{bits}.png", bits=bits)
        add(f"png-palette-{bits}.png", 8, "palette", unit(palette[np.asarray(image)]))
        see_through = np.arange(count)[::-1] * 255 // (count - 1)
        image.save(folder / f"png-palette-{bits}-alpha.png", bits=bits, transparency=bytes(see_through.tolist()))
        entries = np.hstack([palette, see_through[:, None].astype(np.uint8)])
        add(f"png-palette-{bits}-alpha.png", 8, "palette", unit(entries[np.asarray(image)]), alpha=True)
    for name, array in (("grey-8", grey8), ("rgb-8", rgb8), ("grey-16", grey16), ("rgb-16", rgb16)):
        key = np.atleast_1d(array[2, 2])
        clear = np.where((np.atleast_3d(array) == key).all(-1), 0, np.iinfo(array.dtype).max).astype(array.dtype)
        bits = 8 * array.itemsize
        raw = b"".join(b"\0" + row.astype(f">u{array.itemsize}").tobytes() for row in array.reshape(HEIGHT, -1))
        head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, 2 if array.ndim == 3 else 0, 0, 0, 0)
        chunks = ((b"IHDR", head), (b"tRNS", key.astype(">u2").tobytes()), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
        parts = (struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
        (folder / f"png-{name}-key.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
        colour = "rgb" if array.ndim == 3 else "grey"
        add(f"png-{name}-key.png", bits, colour, unit(np.dstack([array, clear])), readers=("ImageMagick",), alpha=True)
    P(rgb8).save(folder / "png-animated.png", save_all=True, append_images=[P(255 - rgb8)])
    add("png-animated.png", 8, "rgb", unit(rgb8))


def upright(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif.tobytes()


def jpeg():
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        name = f"jpeg-{sampling.replace(':', '')}.jpeg"
        magick(rgb8, name, "-quality", 90, "-sampling-factor", sampling)
        add(name, 8, "rgb")
    magick(rgb8, "jpeg-progressive.jpeg", "-quality", 85, "-interlace", "JPEG")
    add("jpeg-progressive.jpeg", 8, "rgb")
    P(grey8).save(folder / "jpeg-grey.jpeg", quality=90)
    add("jpeg-grey.jpeg", 8, "grey")
    for orientation in range(1, 9):
        P(rgb8).save(folder / f"jpeg-turned-{orientation}.jpeg", quality=80, exif=upright(orientation))
        add(f"jpeg-turned-{orientation}.jpeg", 8, "rgb")
    P(cmyk8, "CMYK").save(folder / "jpeg-cmyk-adobe.jpeg", quality=90)
    inks = from_cmyk(np.asarray(Image.open(folder / "jpeg-cmyk-adobe.jpeg")))
    add("jpeg-cmyk-adobe.jpeg", 8, "cmyk", inks)
    whole = (folder / "jpeg-cmyk-adobe.jpeg").read_bytes()
    marker = whole.index(b"\xff\xee")
    length = 2 + int.from_bytes(whole[marker + 2 : marker + 4], "big")
    (folder / "jpeg-cmyk-plain.jpeg").write_bytes(whole[:marker] + whole[marker + length :])
    add("jpeg-cmyk-plain.jpeg", 8, "cmyk", from_cmyk(np.asarray(Image.open(folder / "jpeg-cmyk-plain.jpeg"))))
    magick(rgb8, "jpeg-ycck.jpeg", "-colorspace", "CMYK", "-quality", 90)
    assert (folder / "jpeg-ycck.jpeg").read_bytes().split(b"Adobe", 1)[1][6] == 2
    add("jpeg-ycck.jpeg", 8, "cmyk", from_cmyk(np.asarray(Image.open(folder / "jpeg-ycck.jpeg"))))


def webp():
    P(rgb8).save(folder / "webp-lossless.webp", lossless=True)
    add("webp-lossless.webp", 8, "rgb", unit(rgb8))
    P(rgb8).save(folder / "webp-lossy.webp", quality=80)
    add("webp-lossy.webp", 8, "rgb")
    P(rgba8).save(folder / "webp-lossless-alpha.webp", lossless=True, exact=True)
    add("webp-lossless-alpha.webp", 8, "rgb", unit(rgba8), alpha=True)
    P(rgba8).save(folder / "webp-lossy-alpha.webp", quality=80)
    add("webp-lossy-alpha.webp", 8, "rgb", alpha=True)
    P(rgb8).save(folder / "webp-animated.webp", save_all=True, append_images=[P(255 - rgb8)], lossless=True, duration=100)
    add("webp-animated.webp", 8, "rgb", unit(rgb8), pages=2)
    P(rgb8).save(folder / "webp-turned-6.webp", lossless=True, exif=upright(6))
    add("webp-turned-6.webp", 8, "rgb", unit(np.rot90(rgb8, -1)), readers=("Pillow",))


def gif():
    image, palette = paletted(31)
    truth = unit(palette[np.asarray(image)])
    image.save(folder / "gif-plain.gif")
    add("gif-plain.gif", 8, "palette", truth)
    image.save(folder / "gif-interlaced.gif", interlace=1)
    add("gif-interlaced.gif", 8, "palette", truth)
    positions = np.where(opacity < 0.4, 31, np.asarray(image)).astype(np.uint8)
    hole = P(positions, "P")
    hole.putpalette([*palette.ravel().tolist(), 255, 0, 255])
    hole.save(folder / "gif-transparent.gif", transparency=31)
    entries = np.vstack([np.hstack([palette, np.full((31, 1), 255)]), [[255, 0, 255, 0]]]).astype(np.uint8)
    add("gif-transparent.gif", 8, "palette", unit(entries[positions]), alpha=True)
    image.save(folder / "gif-animated.gif", save_all=True, append_images=[P(255 - rgb8).quantize(31)], duration=100)
    add("gif-animated.gif", 8, "palette", truth, pages=2)


def tiff():
    def written(name, array, bits, colour, truth=None, readers=("ImageMagick",), value_range=None, header={}, **options):
        tifffile.imwrite(folder / f"tiff-{name}.tiff", array, metadata=None, software=False, **options)
        add(f"tiff-{name}.tiff", bits, colour, unit(array) if truth is None else truth, readers, value_range=value_range, **header)

    for name, array in (("grey-8", grey8), ("grey-16", grey16), ("rgb-8", rgb8), ("rgb-16", rgb16)):
        bits, colour = 8 * array.itemsize, name.split("-")[0]
        photometric = "rgb" if colour == "rgb" else "minisblack"
        for order, suffix in (("<", "little"), (">", "big")):
            written(f"{name}-{suffix}", array, bits, colour, byteorder=order, photometric=photometric)
        if name in ("grey-16", "rgb-8"):
            written(f"{name}-tiled", array, bits, colour, tile=(16, 16), photometric=photometric)
        if colour == "grey":
            written(f"{name}-white", array, bits, "grey", 1 - unit(array), photometric="miniswhite")
    written("rgb-16-planar", np.moveaxis(rgb16, -1, 0), 16, "rgb", unit(rgb16), planarconfig="separate", photometric="rgb")
    written("rgb-16-bigtiff", rgb16, 16, "rgb", bigtiff=True, photometric="rgb")
    for name, extra in (("alpha", "unassalpha"), ("unused", "unspecified")):
        truth = unit(rgba16) if name == "alpha" else unit(rgb16)
        readers = ("ImageMagick",) if name == "alpha" else ()
        has = {"alpha": name == "alpha"}
        written(f"rgb-16-{name}", rgba16, 16, "rgb", truth, readers, header=has, photometric="rgb", extrasamples=[extra])
    for name, array, bits in (("8", greya8, 8), ("16", greya16, 16)):
        planes = {"photometric": "minisblack", "extrasamples": ["unassalpha"], "planarconfig": "contig"}
        written(f"grey-alpha-{name}", array, bits, "grey", header={"alpha": True}, **planes)
    written("pages", np.stack([grey16, 65535 - grey16]), 16, "grey", unit(grey16), header={"pages": 2}, photometric="minisblack")
    written("cmyk-8", cmyk8, 8, "cmyk", from_cmyk(cmyk8), ("Pillow",), photometric="separated")
    written("cmyk-16", cmyk16, 16, "cmyk", from_cmyk(cmyk16), (), photometric="separated")

    for compression, options in (("LZW", ()), ("Zip", ("-define", "tiff:predictor=2")), ("RLE", ()), ("JPEG", ("-quality", 90))):
        name = f"tiff-{compression.lower()}.tiff"
        magick(rgb8, name, "-compress", compression, *options)
        add(name, 8, "rgb", None if compression == "JPEG" else unit(rgb8))
        if compression in ("LZW", "Zip"):
            magick(rgb16, f"tiff-{compression.lower()}-16.tiff", "-compress", compression, "-endian", "MSB", *options)
            add(f"tiff-{compression.lower()}-16.tiff", 16, "rgb", unit(rgb16), readers=("ImageMagick",))
    for compression in ("None", "Fax", "Group4"):
        magick(bilevel, f"tiff-1-{compression.lower()}.tiff", "-type", "bilevel", "-depth", 1, "-compress", compression)
        add(f"tiff-1-{compression.lower()}.tiff", 1, "grey", unit(bilevel))
    magick(bilevel, "tiff-1-white.tiff", "-type", "bilevel", "-compress", "None", "-define", "quantum:polarity=min-is-white", "-depth", 1)
    add("tiff-1-white.tiff", 1, "grey", unit(bilevel))
    for bits in (2, 4):
        step = 255 // (2**bits - 1)
        given = (np.round(grey8 / step) * step).astype(np.uint8)
        magick(given, f"tiff-grey-{bits}.tiff", "-depth", bits, "-compress", "None")
        add(f"tiff-grey-{bits}.tiff", bits, "grey", unit(given))
    image, palette = paletted(16)
    image.save(folder / "tiff-palette.tiff")
    add("tiff-palette.tiff", 8, "palette", unit(palette[np.asarray(image)]), readers=("Pillow",))
    magick(rgb8, "tiff-turned-6.tiff", "-compress", "None", "-orient", "right-top")
    add("tiff-turned-6.tiff", 8, "rgb", unit(np.rot90(rgb8, -1)), readers=("ImageMagick",))
    magick(rgba8, "tiff-premultiplied.tiff", "-define", "tiff:alpha=associated", "-compress", "None")
    add("tiff-premultiplied.tiff", 8, "rgb", readers=("Pillow",), alpha=True)


def numbers():
    """TIFF files of floats, signed and 32-bit whole numbers: the references are the numbers themselves, as tifffile reads them."""

    def written(name, array, bits, colour, low, high, ranged=True, compression=None, rows=None, **header):
        path = folder / f"tiff-{name}.tiff"
        photometric = "rgb" if colour == "rgb" else "minisblack"
        stored_as = {"photometric": photometric, "compression": compression, "rowsperstrip": rows}
        tifffile.imwrite(path, array, metadata=None, software=False, **stored_as)
        assert np.array_equal(tifffile.imread(path), array)
        given = (low, high) if ranged else None
        add(path.name, bits, colour, in_range(array, low, high), readers=(), value_range=given, **header)
        files[-1]["readers"] = ["tifffile"]

    rgb = rgb16[:8, :10] / 65535
    grey = rgb[..., 0]
    for kind, bits in (("f4", 32), ("f2", 16)):
        written(f"float-{bits}-grey", grey.astype(kind), bits, "grey", 0, 1, False, float=True)
        written(f"float-{bits}-rgb", rgb.astype(f">{kind}"), bits, "rgb", 0, 1, False, float=True)
        written(f"float-{bits}-beyond", (300 * grey - 100).astype(kind), bits, "grey", -50, 150, float=True)
    for bits in (8, 16, 32):
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        signed = np.round(rgb * (high - low) + low).astype(f">i{bits // 8}")
        written(f"signed-{bits}-grey", signed[..., 0], bits, "grey", low, high, False)
        written(f"signed-{bits}-rgb", signed, bits, "rgb", low, high, False)
    written("float-64-rgb", rgb.astype(">f8"), 64, "rgb", 0, 1, False, float=True)
    written("float-64-beyond", 300 * grey - 100, 64, "grey", -50, 150, compression="zlib", rows=3, float=True)
    written("signed-64-grey", np.round(1000 * grey).astype("i8"), 64, "grey", 0, 1000)
    unsigned = np.round(rgb * (2**32 - 1)).astype("u4")
    written("unsigned-32-grey", unsigned[..., 0], 32, "grey", 0, 2**32 - 1, False)
    written("unsigned-32-rgb", unsigned, 32, "rgb", 0, 2**32 - 1, False)
    written("camera-12", grey16[:8, :10] >> 4, 16, "grey", 0, 4095)


def bmp():
    def written(name, data, bits, colour, truth, readers=("Pillow", "ImageMagick"), **header):
        (folder / f"bmp-{name}.bmp").write_bytes(data)
        add(f"bmp-{name}.bmp", bits, colour, truth, readers, **header)

    for bits in (1, 2, 4, 8):
        image, palette = paletted(min(2**bits, 90))
        positions = np.asarray(image)
        truth = unit(palette[positions])
        readers = () if bits == 2 else ("Pillow", "ImageMagick")
        written(f"palette-{bits}", bitmaps.palette(positions, palette, bits), 8, "palette", truth, readers)
        if bits != 2:
            written(f"core-{bits}", bitmaps.core(positions, bits, palette), 8, "palette", truth)
        if bits in (4, 8):
            runs = bitmaps.run_lengths(positions, bits)
            written(f"rle-{bits}", bitmaps.palette(positions, palette, bits, runs), 8, "palette", truth, ("ImageMagick",))
            skipping, seen = bitmaps.skipping(bits, positions.shape)
            written(f"rle-{bits}-skips", bitmaps.palette(positions, palette, bits, skipping), 8, "palette", unit(palette[seen]), ("ImageMagick",))
    written("24", bitmaps.whole(rgb8), 8, "rgb", unit(rgb8))
    written("24-top-down", bitmaps.whole(rgb8, top_down=True), 8, "rgb", unit(rgb8))
    written("24-core", bitmaps.core(rgb8, 24), 8, "rgb", unit(rgb8))
    written("24-os2", bitmaps.whole(rgb8, header=64), 8, "rgb", unit(rgb8))
    written("32", bitmaps.whole(rgba8), 8, "rgb", unit(rgb8), ("Pillow",))
    for name, depths in (("565", (5, 6, 5)), ("555", (5, 5, 5)), ("4444", (4, 4, 4, 4)), ("1555", (5, 5, 5, 1))):
        source = np.dstack([rgb8, alpha8])[..., : len(depths)]
        fields = np.dstack([source[..., i].astype(int) >> (8 - bits) for i, bits in enumerate(depths)])
        widened = np.dstack([bitmaps.repeated(fields[..., i], bits) for i, bits in enumerate(depths)])
        data = bitmaps.masked(fields, depths, 16, header=40 if len(depths) == 3 else 108)
        # ImageMagick 6 leaves 4 bits and 1 bit short of white (240 and 128), and Pillow reads neither.
        readers = ("ImageMagick",) if len(depths) == 3 else ()
        written(f"16-{name}", data, max(depths[:3]), "rgb", unit(widened), readers, alpha=len(depths) == 4)
    fields = np.dstack([rgb8[..., i].astype(int) >> 3 for i in range(3)])
    widened = np.dstack([bitmaps.repeated(fields[..., i], 5) for i in range(3)])
    written("16-plain", bitmaps.masked(fields, (5, 5, 5), 16, plain=True), 5, "rgb", unit(widened), ("ImageMagick",))
    for name, header in (("v3", 56), ("v4", 108), ("v5", 124)):
        data = bitmaps.masked(rgba8.astype(int), (8, 8, 8, 8), 32, header=header)
        written(f"32-alpha-{name}", data, 8, "rgb", unit(rgba8), ("ImageMagick",), alpha=True)
    written("32-masks", bitmaps.masked(rgb8.astype(int), (8, 8, 8), 32), 8, "rgb", unit(rgb8))


def avif():
    magick(grey8, "avif-grey.avif", "-quality", 90)
    add("avif-grey.avif", 8, "rgb", readers=("ImageMagick",), tolerance=1)


def with_profiles():
    """Conversions by LittleCMS in two programs agree to 2 levels; 16-bit RGB and grey to the same formula without its rounding."""
    wide, grey = profiles.rgb_profile(profiles.WIDE, profiles.gamma(2.2), "Wide"), profiles.grey_profile(profiles.gamma(1.8), "Grey")
    srgb, press = profiles.rgb_profile(profiles.SRGB, profiles.srgb_curve(), "sRGB"), profiles.cmyk_profile()
    options = {"readers": ("Pillow with its profile",), "tolerance": 2, "profile": True}
    for name, image, profile, colour in (
        ("wide.png", P(rgb8), wide, "rgb"),
        ("srgb.png", P(rgb8), srgb, "rgb"),
        ("wide.jpeg", P(rgb8), wide, "rgb"),
        ("wide.webp", P(rgb8), wide, "rgb"),
        ("grey.png", P(grey8), grey, "grey"),
        ("press.jpeg", P(cmyk8, "CMYK"), press, "cmyk"),
        ("press.tiff", P(cmyk8, "CMYK"), press, "cmyk"),
    ):
        image.save(folder / f"profile-{name}", icc_profile=profile, **({"lossless": True} if name.endswith("webp") else {}))
        add(f"profile-{name}", 8, colour, **options)
    for name, array, profile, colour in (("wide", rgb16, wide, "rgb"), ("srgb", rgb16, srgb, "rgb"), ("grey", grey16, grey, "grey")):
        path = folder / f"profile-{name}-16.tiff"
        tag = [(34675, 7, len(profile), profile, True)]
        kind = "rgb" if colour == "rgb" else "minisblack"
        tifffile.imwrite(path, array, photometric=kind, extratags=tag, metadata=None, software=False)
        target = folder / "srgb.icc"
        target.write_bytes(srgb)
        raw = convert(path, "-intent", "perceptual", "-profile", target, "-depth", 16, "-endian", "LSB", "rgb:-")
        target.unlink()
        found = np.frombuffer(raw, "<u2").reshape(HEIGHT, WIDTH, 3)
        add(path.name, 16, colour, unit(array if name == "srgb" else found), readers=(), tolerance=0 if name == "srgb" else 2, profile=True)
        files[-1]["readers"] = ["ImageMagick with its profile"]


for part in (png, jpeg, webp, gif, tiff, numbers, bmp, avif, with_profiles):
    part()
lines = ",\n".join("  " + json.dumps(entry) for entry in files)
table = ",\n".join(f'  "{name}": "{data}"' for name, data in pixels.items())
(folder / "formats.json").write_text('{"files": [\n' + lines + '\n],\n"pixels": {\n' + table + "\n}}\n")
total = sum(path.stat().st_size for path in folder.iterdir())
print(f"{len(files)} files, {len(pixels)} pictures, {total / 1000:.0f} kB")
