"""Pipelines with what the real tf.data gives for them: `tf_pipelines.txt`, a line of code and a line of its elements.

Where TensorFlow is installed, `python tests/support/tf_pipelines.py` asks it about each line of code anew.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np

_FILE = Path(__file__).with_suffix(".txt")


def cases() -> list[tuple[str, Any]]:
    """Return each pipeline as code, with its elements, or its length where the code ends in `.cardinality()`."""
    lines = _FILE.read_text().splitlines()
    return [
        (code, ast.literal_eval(wanted))
        for code, wanted in zip(lines[::2], lines[1::2], strict=True)
    ]


def run(code: str, names: dict[str, Any]) -> Any:
    """Return what code gives, as plain values.

    Args:
        code: The code, in which `D` is the class of datasets, `A` the numbers to 6, `I` and `L` make a number and an
            array of int64, `fill` and `size` are TensorFlow's functions.
        names: These.
    """
    made = eval(code, {"A": np.arange(7), "L": lambda v: np.array(v, "int64"), **names})
    return int(made) if code.endswith(".cardinality()") else [_plain(e) for e in made]


def ours() -> dict[str, Any]:
    """Return the names of the code for `trivium.data`."""
    from trivium.data import Dataset

    def fill(shape: Any, value: Any) -> Any:
        return np.full([int(n) for n in shape], int(value))

    return {"D": Dataset, "I": np.int64, "fill": fill, "size": np.size}


def _plain(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: _plain(v) for k, v in x.items()}
    if isinstance(x, tuple):
        return tuple(_plain(v) for v in x)
    return _text(np.asarray(x).tolist())


def _text(x: Any) -> Any:
    if isinstance(x, list):
        return [_text(v) for v in x]
    return x.decode() if isinstance(x, bytes) else x


def _record() -> None:
    import tensorflow as tf

    names = {
        "D": tf.data.Dataset, "fill": tf.fill, "I": lambda v: tf.constant(v, tf.int64),
        "size": lambda x: tf.cast(tf.size(x), tf.int32),
    }  # fmt: skip
    codes = _FILE.read_text().splitlines()[::2]
    _FILE.write_text("".join(f"{code}\n{run(code, names)!r}\n" for code in codes))


if __name__ == "__main__":
    _record()
