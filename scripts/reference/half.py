"""Writes src/graph/precision/fixtures/half.json: float32 numbers, by their bits, and those of numpy's float16 nearest to them.

Run from the repository root:

    python3 scripts/reference/half.py      (numpy 1.24)
"""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(11)


def bits(*numbers):
    return np.array(numbers, np.float32).view(np.uint32)


def with_neighbours(words):
    """Each number and the ones just below and above it in magnitude."""
    return np.concatenate([words - 1, words, words + 1])


def ties(count):
    """Numbers halfway between two halves, subnormal ones among them."""
    lower = rng.integers(0, 0x7BFF, count).astype(np.uint16)
    upper = (lower + 1).astype(np.uint16)
    return ((lower.view(np.float16).astype(np.float64) + upper.view(np.float16).astype(np.float64)) / 2).astype(np.float32).view(np.uint32)


borders = bits(65504, 65520, 65535, 65536, 2.0**-14, 2.0**-24, 2.0**-25, 3 * 2.0**-25, 2.0**-14 - 2.0**-25, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 2048, 1)
specials = bits(0, -0.0, np.inf, -np.inf, 2.0**-149, 2.0**-126, 3.4e38)
exponents = rng.integers(127 - 27, 127 + 17, 300).astype(np.uint32)
anything = exponents << 23 | rng.integers(0, 2**23, 300).astype(np.uint32) | rng.integers(0, 2, 300).astype(np.uint32) << 31
words = np.concatenate([specials, with_neighbours(borders), with_neighbours(ties(80)), anything, rng.integers(0, 2**31 - 2**23, 50).astype(np.uint32)])

with np.errstate(over="ignore"):
    halves = words.view(np.float32).astype(np.float16).view(np.uint16)
reference = {"float32": words.tolist(), "float16": halves.tolist()}
target = Path("src/graph/precision/fixtures/half.json")
target.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
