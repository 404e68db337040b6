"""What of a program can be foretold from the values in its calls: texts as tensors, the names of files to write."""

from __future__ import annotations

import ast

from trivium.saving.legacy import ENDINGS

__all__ = ["refused_value"]

# What makes an array of numbers of its first argument.
_NUMBERS = ("tf.Variable", "keras.ops.array", "keras.ops.convert_to_tensor", "keras.Variable")
_TEXT = "Strings are kept by `tf.constant`; `tf.strings` and `keras.layers.StringLookup` make numbers of them."
_RAGGED = (
    "The inputs of a model are dense: `.to_tensor()` fills rows up to one length; mask what was added "
    "(`keras.layers.Masking`, `Embedding(mask_zero=True)`)."
)
_WHOLE_MODEL = (".keras", *ENDINGS)


def refused_value(name: str, call: ast.Call) -> tuple[str, str] | None:
    """Return what in a call is not covered, and what is to be said about it.

    Args:
        name: What is called, as people know it.
        call: The call.

    Returns:
        A name for the use, and a note; `None` where nothing is known to fail.

    Example:
        >>> call = ast.parse("tf.Variable(['a', 'b'])", mode="eval").body
        >>> refused_value("tf.Variable", call)[0]
        'tf.Variable(strings)'
    """
    given = {k.arg: k.value for k in call.keywords}
    if name in _NUMBERS and _constant(given.get("dtype")) == "string":
        return f"{name}(dtype='string')", _TEXT
    if name in _NUMBERS and _is_text(call.args[0] if call.args else given.get("value")):
        return f"{name}(strings)", _TEXT
    if name == "keras.Input" and _constant(given.get("ragged")) is True:
        return f"{name}(ragged=True)", _RAGGED
    if name == "keras.callbacks.ModelCheckpoint":
        return _checkpoint(name, call.args[0] if call.args else given.get("filepath"), given)
    return None


def _checkpoint(
    name: str, path: ast.AST | None, given: dict[str | None, ast.expr]
) -> tuple[str, str] | None:
    """Say what is wrong with a checkpoint, by its name."""
    only = "save_weights_only" in given
    if only and _constant(given["save_weights_only"]) not in (True, False):
        return None  # It is computed, and may be either.
    only = only and bool(_constant(given["save_weights_only"]))
    ends = (".weights.h5", *ENDINGS) if only else _WHOLE_MODEL
    text = _end(path)
    if text is not None and not text.endswith(ends):
        return f"{name}(filepath=)", f"The path ends in {' or '.join(f'`{e}`' for e in ends)}."
    return None


def _constant(node: ast.AST | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _is_text(node: ast.AST | None) -> bool:
    """Say whether a literal is a string, or a list of strings."""
    if isinstance(node, ast.List | ast.Tuple):
        return any(map(_is_text, node.elts))
    return isinstance(_constant(node), str | bytes)


def _end(node: ast.AST | None) -> str | None:
    """Return how a literal text ends; of an f-string or a sum its last part, if that is known."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return _end(node.values[-1])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Div):
        return _end(node.right)
    text = _constant(node)
    return text if isinstance(text, str) else None
