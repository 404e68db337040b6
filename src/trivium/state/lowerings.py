"""Which form some operations take in programs: chosen by the device and the shapes, or as the user says."""

from __future__ import annotations

from typing import Any

from trivium.state.registry import suggest
from trivium.state.session import own_session, session

__all__ = ["chosen_lowering", "lowering", "set_lowering"]

# The forms of each kind of operation. The plain one is XLA's own operations with the gradients that JAX derives.
_FORMS = {
    "attention": ("auto", "plain", "blocks"),
    "convolution": ("auto", "plain", "convolution", "product"),
    "pooling": ("auto", "plain", "slices"),
    "recurrence": ("auto", "plain", "thrifty"),
}


def lowering() -> dict[str, str]:
    """Return the form that is set for each kind of operation; `"auto"` is by the device and the shapes.

    On the CPU that is by the rules in `docs/performance.md`, on accelerators the plain form (attention over many pairs
    is in blocks there, too).

    Example:
        >>> lowering()
        {'attention': 'auto', 'convolution': 'auto', 'pooling': 'auto', 'recurrence': 'auto'}
    """
    return {kind: chosen_lowering(kind) for kind in _FORMS}


def chosen_lowering(kind: str) -> str:
    """Return the form that is set for one kind of operation.

    Args:
        kind: A key of `lowering()`.

    Example:
        >>> chosen_lowering("pooling")
        'auto'
    """
    return dict(session().lowering).get(kind, "auto")


def set_lowering(**forms: str) -> None:
    """Set the form that operations take in programs made from now on, in place of the one chosen for the device.

    All forms give the same numbers but for rounding, so this is for speed and memory, and for finding out which form a
    difference comes from. A model's next `fit`, `evaluate` or `predict` compiles anew.

    Args:
        forms: A form by kind; the other kinds keep theirs. `"auto"` takes a setting back.

            - `attention`: `"plain"`, or `"blocks"` of queries.
            - `convolution` of one group: `"plain"`, `"convolution"` with gradients in the order of axes that is fast on
              CPUs, or `"product"` of matrices.
            - `pooling`: `"plain"` or `"slices"`.
            - `recurrence`: `"plain"`, or `"thrifty"`, which computes gates anew for the gradients.

    Raises:
        ValueError: There is no such kind or form; nothing is set then.

    Example:
        >>> set_lowering(pooling="plain", convolution="product")
        >>> lowering()["pooling"]
        'plain'
        >>> set_lowering(pooling="auto", convolution="auto")
        >>> set_lowering(pooling="plane")
        Traceback (most recent call last):
        ...
        ValueError: set_lowering: pooling is 'auto', 'plain' or 'slices'; got 'plane'. Did you mean 'plain'?
    """
    for kind, form in forms.items():
        if kind not in _FORMS:
            raise ValueError(
                f"set_lowering: the kinds of operations are {_listed(_FORMS)}; got {kind!r}. "
                + suggest(kind, _FORMS)
            )
        if form not in _FORMS[kind]:
            raise ValueError(
                f"set_lowering: {kind} is {_listed(_FORMS[kind])}; got {form!r}. "
                + suggest(str(form), _FORMS[kind])
            )
    chosen = dict(session().lowering) | forms
    # Only what differs, in one order: this is a part of the keys by which programs are known.
    own_session().lowering = tuple(sorted((k, v) for k, v in chosen.items() if v != "auto"))


def _listed(names: Any) -> str:
    *most, last = map(repr, names)
    return f"{', '.join(most)} or {last}"
