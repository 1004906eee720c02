"""Small colour profiles for test files, written from the layout in ICC.1:2010, so that no foreign one is needed."""

import struct

import numpy as np

D50 = np.array([0.9642, 1.0, 0.8249])
#: Columns: red, green and blue of sRGB and of a wider space (Adobe RGB 1998) under D50.
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
WIDE = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])


def fixed(*values):
    return b"".join(struct.pack(">i", round(65536 * float(v))) for v in values)


def xyz(values):
    return b"XYZ \0\0\0\0" + fixed(*values)


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * value))


def srgb_curve():
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def text(kind, value):
    words = value.encode()
    if kind == "text":
        return b"text\0\0\0\0" + words + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(words) + 1) + words + b"\0" * 80


def profile(kind, space, connection, name, tags):
    tags = {"desc": text("desc", name), "cprt": text("text", "No copyright"), "wtpt": xyz(D50), **tags}
    at = 132 + 12 * len(tags)
    table, body = b"", b""
    for tag, data in tags.items():
        table += tag.encode() + struct.pack(">II", at + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", at + len(body), b"\0" * 4, 0x02400000, kind, space, connection)
    header += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + b"\0" * 28 + fixed(*D50)
    return header + b"\0" * (128 - len(header)) + struct.pack(">I", len(tags)) + table + body


def rgb_profile(primaries, curve, name):
    colours = {f"{c}XYZ": xyz(primaries[:, i]) for i, c in enumerate("rgb")}
    return profile(b"mntr", b"RGB ", b"XYZ ", name, {**colours, **{f"{c}TRC": curve for c in "rgb"}})


def grey_profile(curve, name):
    return profile(b"mntr", b"GRAY", b"XYZ ", name, {"kTRC": curve})


def cmyk_profile():
    """A press with inks that are neither pure nor opaque, as a table of 3 x 3 x 3 x 3 mixtures in Lab (lut16Type)."""
    inks = np.array([[0.05, 0.35, 0.75], [0.75, 0.08, 0.30], [0.90, 0.80, 0.06], [0.03, 0.03, 0.03]])
    amounts = np.stack(np.meshgrid(*[np.linspace(0, 1, 3)] * 4, indexing="ij"), -1).reshape(-1, 4)
    light = np.prod(1 - amounts[:, :, None] * (1 - inks[None]), 1) @ SRGB.T / D50
    root = np.where(light > 216 / 24389, np.cbrt(light), (24389 / 27 * light + 16) / 116)
    lab = np.stack([116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], -1)
    table = np.round((lab + [0, 128, 128]) * [652.8, 256, 256]).astype(">u2").tobytes()
    straight = struct.pack(">HH", 0, 65535)
    identity = fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    lut = b"mft2\0\0\0\0" + bytes([4, 3, 3, 0]) + identity + struct.pack(">HH", 2, 2) + straight * 4 + table + straight * 3
    return profile(b"prtr", b"CMYK", b"Lab ", "Press", {"A2B0": lut})
