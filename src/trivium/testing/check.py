"""The contract of layers, for anybody's layer."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from typing import Any

import jax

from trivium.layers import Layer
from trivium.testing.checks import CHECKS, Check
from trivium.testing.report import Finding, LayerCheckError, Report
from trivium.testing.subject import Subject

__all__ = ["check_layer"]


def check_layer(
    layer: Layer,
    inputs: Any,
    *,
    only: Collection[str] | None = None,
    skip: Collection[str] = (),
    raises: bool = True,
    **kwargs: Any,
) -> Report:
    """Try a layer in every way in which a model may use it, and say in words what goes wrong.

    Called alone and in each style, compiled and not, in loops and branches, symbolically, in half precision; built for
    an unknown batch; made anew from its config, copied, pickled, saved; its gradients; whether an example's result
    depends on its neighbors, and whether `call` does more than compute. The layer itself is left as it is.

    Args:
        layer: The layer, built or not.
        inputs: What it is called on: arrays with the batch first, in any structure.
        only: The names of the checks to run; all where it is `None`.
        skip: The names of checks to leave out.
        raises: Whether what is found is raised, or only returned.
        kwargs: More arguments for its call, as they are.

    Returns:
        The report, whose text lists what was found.

    Raises:
        LayerCheckError: Something is wrong; it has all of it, and the report as `report`.
        TypeError: `layer` is no layer.
        ValueError: There is no check of a name.

    Example:
        >>> import numpy as np, trivium as tv
        >>> class Counting(tv.Layer):
        ...     def __init__(self, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.calls = 0
        ...     def call(self, inputs):
        ...         self.calls += 1
        ...         return inputs
        >>> print(check_layer(Counting(), np.ones((2, 3)), only=["side effects"], raises=False))
        Layer 'counting' (Counting): 1 problem found by 2 checks.
        1. [side effects] `call` changes the attribute `calls`.
           A compiled step runs the program, not the Python code, so it happens once and never again. Keep what changes
           in a weight (`add_weight(..., trainable=False)`) and give it new values by `assign`.
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"check_layer: `layer` is a layer; got {layer!r}.")
    names = [check.name for check in CHECKS]
    unknown = (set(only or ()) | set(skip)) - set(names)
    if unknown:
        raise ValueError(
            f"check_layer: there is no check {min(unknown)!r}; there are: {', '.join(names)}."
        )
    subject = Subject(layer, inputs, kwargs)
    wanted = [c for c in CHECKS if (only is None or c.name in only) and c.name not in skip]
    needed = {name for c in wanted for name in c.needs}
    ran, skipped, findings = [], [], list[Finding]()
    failed: set[str] = set()
    for check in CHECKS:
        if check not in wanted and check.name not in needed:
            continue
        if failed & set(check.needs):
            skipped.append(check.name)
            failed.add(check.name)
            continue
        found = list(_findings(check, subject))
        if any(finding.problem.startswith(check.fails) for finding in found):
            failed.add(check.name)
        ran.append(check.name)
        findings += found
    report = Report(layer.path, type(layer).__name__, tuple(ran), tuple(skipped), tuple(findings))
    if findings and raises:
        raise LayerCheckError(report)
    return report


def _findings(check: Check, subject: Subject) -> Iterator[Finding]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for problem, advice in check.run(subject):
                yield Finding(check.name, problem, advice)
        except Exception as error:
            yield Finding(check.name, f"{check.fails}: {_in_a_line(error)}", _advice(error))


def _in_a_line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _advice(error: Exception) -> str:
    """Return what to do about an error that code raises when it is traced."""
    if isinstance(error, jax.errors.TracerArrayConversionError):
        return (
            "The code hands a tensor to NumPy (`np....`, `.numpy()`, `np.asarray`), which wants its numbers; while a "
            "step is compiled there are none. Use the function of the same name in `trivium.ops`."
        )
    if isinstance(error, jax.errors.ConcretizationTypeError):
        return (
            "Python decides something by a tensor's numbers (`if`, `while`, `int()`, `float()`, `range()`); while a "
            "step is compiled there are none. Use `ops.where`, `ops.cond`, `ops.while_loop` or `ops.fori_loop`."
        )
    return "The error is the layer's own; its text says where it comes from."
