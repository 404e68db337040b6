"""What a case is: a network, its data and how it is trained; what is measured of it; what is to be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["CASES", "KERAS", "MAIN", "Case", "Command", "command", "goals", "training"]

# The libraries that have Keras's names, and all of them.
KERAS = ("trivium", "keras-jax", "keras-tensorflow")
MAIN = (*KERAS, "keras-torch", "torch", "jax")

Goals = dict[str, dict[str, float]]
Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A network that is trained, by every library on the same numbers.

    Args:
        name: What the command line calls it, and networks by hand are found by.
        about: A sentence.
        network: Makes the model, not compiled, of a library with Keras's names.
        data: Draws so many inputs and class numbers.
        samples: How many are trained on in an epoch.
        batch_size: Samples a step.
        optimizer: `"sgd"` or `"adam"`, with the rates of Keras.
        held: How many more samples each epoch is validated on.
        predicted: How many samples `predict` gets.
        measures: What is asked for; see `benchmarks.worker`.
        libraries: Who takes part.
        goals: For a measure and a peer, how many times as long as Trivium the peer should take.
        of: The case whose network by hand this one has; its own where it is `None`.
        fresh: Whether each round is a process of its own, for measures that a process has once.
        cached: Whether what was compiled is kept from process to process, by the setting that Trivium has for it.
    """

    name: str
    about: str
    network: Callable[[Any], Any]
    data: Callable[[int], Arrays]
    samples: int
    batch_size: int
    optimizer: str = "adam"
    held: int = 0
    predicted: int = 0
    measures: tuple[str, ...] = ("epoch",)
    libraries: tuple[str, ...] = MAIN
    goals: Goals = field(default_factory=dict)
    of: str | None = None
    fresh: bool = False
    cached: bool = False

    @property
    def hand(self) -> str:
        """The name by which networks by hand are found."""
        return self.of or self.name


@dataclass(frozen=True)
class Command:
    """A command that is run to its end, by each library.

    Args:
        name: What the command line calls it.
        about: A sentence.
        words: The command, from the library, its Python and the scale.
        libraries: Who takes part.
        goals: As in `Case`.
    """

    name: str
    about: str
    words: Callable[[str, str, float], list[str]]
    libraries: tuple[str, ...]
    goals: Goals
    measures: tuple[str, ...] = ("whole process",)
    fresh: bool = True
    cached: bool = False


CASES: dict[str, Case | Command] = {}


def goals(measure: str, *ratios: float | None, **others: float) -> Goals:
    """Return what is to be reached of a measure: ratios to the peers of `MAIN`, in that order, or by name.

    Args:
        measure: The measure.
        *ratios: To Keras on JAX, on TensorFlow, PyTorch by hand, plain JAX by hand; `None` for no goal.
        **others: More of them; the underscores of a name stand for hyphens.
    """
    order = ("keras-jax", "keras-tensorflow", "torch", "jax")
    # As many as are to be reached.
    found = {name: ratio for name, ratio in zip(order, ratios, strict=False) if ratio is not None}
    return {measure: found | {name.replace("_", "-"): ratio for name, ratio in others.items()}}


def training(
    data: Callable[[int], Arrays], samples: int, batch_size: int, name: str = "", **options: Any
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Add the case whose network the decorated function makes; it can be applied again for another case of it.

    Args:
        data: As in `Case`.
        samples: As in `Case`.
        batch_size: As in `Case`.
        name: The function's, unless given.
        **options: The rest of a `Case`.
    """

    def add(network: Callable[[Any], Any]) -> Callable[[Any], Any]:
        called = name or network.__name__
        about = options.pop("about", network.__doc__ or "")
        CASES[called] = Case(called, about, network, data, samples, batch_size, **options)
        return network

    return add


def command(libraries: Iterable[str], goals: Goals) -> Callable[..., Any]:
    """Add the case whose command the decorated function gives.

    Args:
        libraries: Who takes part.
        goals: As in `Case`.
    """

    def add(words: Callable[[str, str, float], list[str]]) -> Callable[..., list[str]]:
        name = words.__name__
        CASES[name] = Command(name, words.__doc__ or "", words, tuple(libraries), goals)
        return words

    return add
