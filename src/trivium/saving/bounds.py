"""Bounds on what a file may hold, checked before anything of that size is made of it."""

from __future__ import annotations

import json
import math
from typing import Any

from trivium.state.frame import current_frame
from trivium.state.safety import UnsafeFileError

__all__ = ["MIB", "check_values", "checked_config", "read_json"]

MIB = 1 << 20

_JSON_BYTES = 32 * MIB
# Each costs some hundred bytes of memory, whatever it costs in the file.
_JSON_CONTAINERS = 500_000
_JSON_VALUES = 2_000_000
_DEPTH = 200
# What a shape or setting may be at most; JAX counts elements in 64 bits.
_NUMBER = 1 << 63
# Settings of which a layer or metric makes a table when it is made, and the most numbers of one: no weight in the file
# vouches for them. The first of them says that it is such a thing: others have bins, too, and make none.
_TABLES = {
    ("num_thresholds",): 1 << 20,
    ("num_classes",): 1 << 20,
    ("ngrams",): 1 << 20,
    ("frame_length",): 1 << 20,
    ("fft_length", "num_mel_bins"): 1 << 24,
    ("num_mel_bins",): 1 << 20,
    ("bin_boundaries", "num_bins"): 1 << 24,
}


def read_json(text: bytes, source: str) -> Any:
    """Return what JSON in a file says.

    Args:
        text: The JSON.
        source: What to call the file in messages.

    Raises:
        UnsafeFileError: It is too large, too deep, or has a number that nothing has.
        ValueError: It is no JSON.

    Example:
        >>> read_json(b'{"units": 3}', "config.json")
        {'units': 3}
    """
    if len(text) > _JSON_BYTES:
        raise UnsafeFileError(f"{source} has {len(text):,} bytes; {_JSON_BYTES:,} are read.")
    containers = text.count(b"[") + text.count(b"{")
    if containers > _JSON_CONTAINERS or text.count(b",") > _JSON_VALUES:
        raise UnsafeFileError(f"{source} has too many values to be a model's config.")

    def whole(digits: str) -> int:
        number = int(digits) if len(digits) < 21 else _NUMBER
        if abs(number) >= _NUMBER:
            raise UnsafeFileError(
                f"{source} has the number {digits[:40]}, which is no size of anything."
            )
        return number

    try:
        return json.loads(text, parse_int=whole)
    except RecursionError:
        raise UnsafeFileError(f"{source} is nested too deep.") from None


def checked_config(config: Any, source: str) -> dict[str, Any]:
    """Return a model's config from a file if nothing in it asks for what no file may do.

    Args:
        config: What the file's JSON says.
        source: What to call the file in messages.

    Raises:
        UnsafeFileError: Something in it is nested too deep, or holds code.
        ValueError: It is no config of an object.
    """
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise ValueError(f"{source} does not say which class the model has.")
    check_values(config, source)
    return config


def check_values(config: Any, source: str) -> None:
    """Raise an error if something in JSON from a file asks for what no file may do.

    Args:
        config: What the JSON says.
        source: What to call the file in messages.

    Raises:
        UnsafeFileError: Something in it is nested too deep, or holds code, or asks for a huge table.
    """
    waiting: list[tuple[Any, int]] = [(config, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEPTH:
            raise UnsafeFileError(f"{source} is nested more than {_DEPTH} deep.")
        if isinstance(value, dict):
            _check_object(value, source)
            waiting += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]


def _check_object(value: dict[str, Any], source: str) -> None:
    if value.get("class_name") == "__lambda__" and not current_frame().runs_code:
        raise UnsafeFileError(
            f"{source} holds a function as code, and code from files is not run: it could do anything. Only if you "
            "trust whoever wrote it: `load_model(..., safe_mode=False)`. Better, have it saved anew with a function "
            "that is registered by `register_keras_serializable`."
        )
    for names, most in _TABLES.items():
        given = {n: value[n] for n in names if isinstance(value.get(n), int)}
        if names[0] in value and math.prod(given.values()) > most:
            raise UnsafeFileError(
                f"{source} asks for a table of more than {most:,} numbers: {given}."
            )
    shape = value.get("batch_shape") or value.get("batch_input_shape")
    if isinstance(shape, list):
        sizes = [d for d in shape if isinstance(d, int)]
        if any(d < 0 for d in sizes) or math.prod(d or 1 for d in sizes) > 1 << 40:
            raise UnsafeFileError(f"{source} has an input of the shape {shape}, which nothing has.")
