"""What came out of a comparison, and whether the styles agree to the last bit."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trivium.compare.settings import Settings

__all__ = ["Comparison", "Result", "first_difference"]


@dataclass(frozen=True, eq=False)
class Result:
    """What one style gave.

    Args:
        style: One of `STYLES`.
        source: The program, as shown.
        parameters: The number of weights.
        fingerprint: The model's fingerprint, hexadecimal.
        weights_sha256: The SHA-256 of the final weights, hexadecimal.
        history: A value an epoch for each metric, as `fit` returns it.
        evaluation: The metrics on the test images.
        predictions: Shape `(test images, classes)`.
        seconds: How long `fit` took.
        compilations: How many programs were compiled for building, training and evaluating.

    Example:
        >>> result = Result("functional", history={"accuracy": [0.5]}, evaluation={"accuracy": 0.4})
        >>> result.accuracy("train"), result.accuracy("validation"), result.accuracy("test")
        (0.5, None, 0.4)
    """

    style: str
    source: str = ""
    parameters: int = 0
    fingerprint: str = ""
    weights_sha256: str = ""
    history: dict[str, list[float]] = field(default_factory=dict)
    evaluation: dict[str, float] = field(default_factory=dict)
    predictions: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)))
    seconds: float = 0.0
    compilations: int = 0

    def accuracy(self, part: str) -> float | None:
        """Return the final accuracy on a part of the data; `None` if it was not measured.

        Args:
            part: `"train"`, `"validation"` or `"test"`.

        Example:
            >>> Result("functional").accuracy("test") is None
            True
        """
        if part == "test":
            found = [v for k, v in self.evaluation.items() if _is_accuracy(k)]
        else:
            prefix = "val_" if part == "validation" else ""
            names = [k.removeprefix(prefix) for k in self.history if k.startswith(prefix)]
            found = [self.history[prefix + n][-1] for n in names if _is_accuracy(n)]
        return float(found[0]) if found else None


def _is_accuracy(name: str) -> bool:
    return not name.startswith("val_") and (name == "acc" or name.endswith("accuracy"))


@dataclass(frozen=True, eq=False)
class Comparison:
    """The results of all styles on the same data.

    Args:
        settings: What was asked for.
        results: One for each style.
        samples: The first training images, shape `(n, 28, 28)`.
        sample_labels: Their classes, shape `(n,)`.
        test_samples: The first test images, shape `(n, 28, 28)`.
        test_labels: The classes of all test images.
        class_names: The name of each class.
        notes: What should be known besides, such as a style that is missing.
        versions: What ran it, by name.

    Example:
        >>> Comparison(Settings(), [Result("functional"), Result("subclass")]).identical
        True
    """

    settings: Settings
    results: list[Result]
    samples: np.ndarray = field(default_factory=lambda: np.zeros((0, 28, 28)))
    sample_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    test_samples: np.ndarray = field(default_factory=lambda: np.zeros((0, 28, 28)))
    test_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    class_names: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def groups(self) -> list[list[Result]]:
        """The results that are the same to the last bit, together.

        Example:
            >>> results = [Result("sequential"), Result("subclass", parameters=7)]
            >>> [[r.style for r in group] for group in Comparison(Settings(), results).groups]
            [['sequential'], ['subclass']]
        """
        groups: list[list[Result]] = []
        for result in self.results:
            same = (g for g in groups if first_difference(g[0], result) is None)
            found = next(same, None)
            if found is None:
                groups.append([result])
            else:
                found.append(result)
        return groups

    @property
    def identical(self) -> bool:
        """Whether all styles agree in fingerprint, history and final weights, to the last bit.

        Example:
            >>> Comparison(Settings(), [Result("functional"), Result("subclass")]).identical
            True
        """
        return len(self.groups) == 1


def first_difference(one: Result, other: Result) -> str | None:
    """Say where two results part first: in program, in an epoch's numbers, or in final weights.

    Args:
        one: A result.
        other: Another one.

    Returns:
        A sentence, or `None` if the two are the same to the last bit.

    Example:
        >>> one = Result("sequential", history={"loss": [0.5, 0.25]})
        >>> other = Result("subclass", history={"loss": [0.5, 0.3]})
        >>> first_difference(one, other)
        'the history parts in epoch 2: loss 0.25 in sequential, 0.3 in subclass'
    """
    names = (one.style, other.style)
    if one.parameters != other.parameters:
        pair = (f"{one.parameters:,}", f"{other.parameters:,}")
        return "the networks differ in size: parameters " + _two(pair, names)
    if one.fingerprint != other.fingerprint:
        pair = (one.fingerprint[:12], other.fingerprint[:12])
        return "the networks compute differently: fingerprint " + _two(pair, names)
    if one.history.keys() != other.history.keys():
        pair = (", ".join(one.history), ", ".join(other.history))
        return "different metrics were measured: " + _two(pair, names)
    for epoch in range(max((len(v) for r in (one, other) for v in r.history.values()), default=0)):
        for key in one.history:
            values = (one.history[key][epoch : epoch + 1], other.history[key][epoch : epoch + 1])
            if _bits(values[0]) != _bits(values[1]):
                pair = (_plain(values[0]), _plain(values[1]))
                return f"the history parts in epoch {epoch + 1}: {key} {_two(pair, names)}"
    if one.weights_sha256 != other.weights_sha256:
        pair = (one.weights_sha256[:12], other.weights_sha256[:12])
        return "the history is the same, the final weights are not: SHA-256 " + _two(pair, names)
    return None


def _two(values: tuple[str, str], names: tuple[str, str]) -> str:
    return f"{values[0]} in {names[0]}, {values[1]} in {names[1]}"


def _bits(values: list[Any]) -> bytes:
    return b"".join(struct.pack("<d", float(v)) for v in values)


def _plain(values: list[Any]) -> str:
    return repr(float(values[0])) if values else "missing"
