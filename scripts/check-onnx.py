#!/usr/bin/env python3
"""Checks ONNX files with the official checker, shapes and types included, and prints one line per file.

Usage: check-onnx.py model.onnx ...
Exit status 1 when a file fails or uses an operator set beside ai.onnx 17.
"""
import sys

import onnx


def problem_of(path):
    try:
        onnx.checker.check_model(path, full_check=True)
        model = onnx.load(path)
    except Exception as error:  # the checker raises several unrelated types
        return " ".join(str(error).split())
    sets = {(entry.domain, entry.version) for entry in model.opset_import}
    if sets != {("", 17)}:
        return f"operator sets {sorted(sets)} instead of ai.onnx 17 alone"
    foreign = sorted({node.op_type for node in model.graph.node if node.domain not in ("", "ai.onnx")})
    return f"operators beyond ai.onnx: {', '.join(foreign)}" if foreign else None


def main(paths):
    problems = [(path, problem_of(path)) for path in paths]
    for path, problem in problems:
        print(f"{path}: {problem or 'ok'}")
    return any(problem for _, problem in problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
