"""Bitmap files (BMP) of every kind, byte by byte, which no library here writes."""

import struct

import numpy as np


def rows(data, top_down=False):
    """[height, bytes], each row filled up to four bytes, bottom row first."""
    data = np.pad(data, ((0, 0), (0, -data.shape[1] % 4)))
    return (data if top_down else data[::-1]).astype(np.uint8).tobytes()


def file(header, between, data):
    offset = 14 + len(header) + len(between)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header + between + data


def info(size, shape, bits, compression, length, colours=0, masks=(), top_down=False):
    height, width = shape[:2]
    height = -height if top_down else height
    fields = struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, compression, length, 2835, 2835, colours, 0)
    if size > 40:
        fields += struct.pack(f"<{len(masks)}I", *masks)
    return fields + b"\0" * (size - len(fields))


def packed(positions, bits):
    per_byte = 8 // bits
    padded = np.pad(positions, ((0, 0), (0, -positions.shape[1] % per_byte))).astype(int)
    return sum(padded[:, i::per_byte] << (8 - bits * (i + 1)) for i in range(per_byte))


def palette(positions, colours, bits, runs=None):
    entries = np.hstack([colours[:, ::-1], np.zeros((len(colours), 1))]).astype(np.uint8).tobytes()
    data = rows(packed(positions, bits)) if runs is None else runs
    compression = 0 if runs is None else {8: 1, 4: 2}[bits]
    return file(info(40, positions.shape, bits, compression, len(data), len(colours)), entries, data)


def core(picture, bits, colours=None):
    """With the header of OS/2, whose palette is full and has three bytes a colour."""
    height, width = picture.shape[:2]
    header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    if colours is None:
        return file(header, b"", rows(picture[..., ::-1].reshape(height, -1)))
    full = np.zeros((2**bits, 3), np.uint8)
    full[: len(colours)] = colours[:, ::-1]
    return file(header, full.tobytes(), rows(packed(picture, bits)))


def whole(picture, top_down=False, header=40):
    """24 bits, or 32 whose fourth byte is not said to mean anything."""
    order = [2, 1, 0, 3][: picture.shape[2]]
    data = rows(picture[..., order].reshape(len(picture), -1), top_down)
    return file(info(header, picture.shape, 8 * picture.shape[2], 0, len(data), top_down=top_down), b"", data)


def masked(fields, depths, bits, header=40, plain=False):
    """Fields [height, width, 3 or 4] of the given depths in pixels of 16 or 32 bits, opacity uppermost."""
    shifts = [depths[1] + depths[2], depths[2], 0, sum(depths[:3])]
    values = sum(fields[..., i] << shifts[i] for i in range(len(depths)))
    masks = [(2**depth - 1) << shift for depth, shift in zip(depths, shifts)] + [0] * (4 - len(depths))
    data = rows(values.astype(f"<u{bits // 8}").view(np.uint8).reshape(len(fields), -1))
    between = struct.pack("<3I", *masks[:3]) if header == 40 and not plain else b""
    return file(info(header, fields.shape, bits, 0 if plain else 3, len(data), masks=masks), between, data)


def repeated(values, bits):
    """To 8 bits by repeating the upper bits."""
    wide, known = values << (8 - bits), bits
    while known < 8:
        wide, known = wide | wide >> known, 2 * known
    return wide.astype(np.uint8)


def run_lengths(positions, bits):
    """Runs where values repeat (of 4 bits: every second value), else stretches as they are."""
    step = 1 if bits == 8 else 2
    out = b""
    for row in positions[::-1].tolist():
        x = 0
        while x < len(row):
            run = step
            while x + run < len(row) and row[x + run] == row[x + run - step]:
                run += 1
            run = min(run, len(row) - x)
            if run > step or len(row) - x < 3:
                value = row[x] if bits == 8 else row[x] << 4 | row[min(x + 1, len(row) - 1)]
                out += bytes([run, value])
                x += run
            else:
                length = min(5, len(row) - x)
                stretch = packed(np.array([row[x : x + length]]), bits).astype(np.uint8).tobytes()
                out += bytes([0, length]) + stretch + b"\0" * (len(stretch) % 2)
                x += length
        out += b"\0\0"
    return out + b"\0\1"


def skipping(bits, shape):
    """A row's early end, a move right and up, and the picture's early end; and what positions are seen."""
    seen = np.zeros(shape, int)
    value = 2 if bits == 8 else 0x23
    pair = [2, 2] if bits == 8 else [2, 3]
    data = bytes([6, value, 0, 0, 4, value, 0, 2, 5, 3, 6, value, 0, 0, 0, 1])
    seen[-1, 0:6], seen[-2, 0:4], seen[-5, 9:15] = pair * 3, pair * 2, pair * 3
    return data, seen
