"""What mixed precision, gradient accumulation and rematerialization cost and save, on the machine at hand.

    python benchmarks/savings.py [--rounds 7] [--only mlp cnn transformer]

For an MLP, a CNN and a stack of transformer blocks it prints, beside training as it is: the seconds and the seconds of
CPU that as many samples take, as ratios of medians over interleaved rounds, and the memory that a step needs besides
weights, optimizer's state and data, as XLA plans it (`memory_analysis().temp_size_in_bytes`).
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import trivium as tv
from trivium import layers, ops
from trivium.training import executables

# The samples of a batch, of which each run trains four.
BATCHES = {"mlp": 1024, "cnn": 64, "transformer": 64}


class Again(layers.Layer):
    """Some layers, one after the other, whose values the gradient computes again if `remat` says so."""

    def __init__(self, inside: Callable[[], list[Any]], remat: bool) -> None:
        super().__init__()
        self.inside, self.remat = inside(), remat

    def call(self, x: Any) -> Any:
        """Go through them."""
        return (ops.remat(self.through) if self.remat else self.through)(x)

    def through(self, x: Any) -> Any:
        """Go through them, as they are."""
        for layer in self.inside:
            x = layer(x)
        return x


class Block(layers.Layer):
    """A transformer's block: all steps look at all, then each goes through two layers; both are added."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norms = [layers.LayerNormalization() for _ in range(2)]
        self.attend = layers.MultiHeadAttention(heads, width // heads)
        self.widen, self.narrow = layers.Dense(4 * width, "gelu"), layers.Dense(width)

    def call(self, x: Any) -> Any:
        """Look, and think."""
        y = self.norms[0](x)
        x = x + self.attend(y, y)
        return x + self.narrow(self.widen(self.norms[1](x)))


def dense() -> list[Any]:
    """Return four dense layers."""
    return [layers.Dense(256, "relu") for _ in range(4)]


def convolutions(filters: int) -> list[Any]:
    """Return three convolutions."""
    return [layers.Conv2D(filters, 3, padding="same", activation="relu") for _ in range(3)]


def block() -> list[Any]:
    """Return a block."""
    return [Block(64, 4)]


def mlp(remat: bool) -> tuple[Any, tuple[int, ...]]:
    """Return sixteen dense layers in four parts, and the shape of a sample."""
    return [*(Again(dense, remat) for _ in range(4)), layers.Dense(10, dtype="float32")], (256,)


def cnn(remat: bool) -> tuple[Any, tuple[int, ...]]:
    """Return convolutions in three parts, no two of them equal, and the shape of a sample."""
    inside: list[Any] = []
    for filters in (16, 32, 64):
        part = functools.partial(convolutions, filters)
        inside += [Again(part, remat), layers.MaxPooling2D()]
    return [*inside, layers.Flatten(), layers.Dense(10, dtype="float32")], (32, 32, 3)


def transformer(remat: bool) -> tuple[Any, tuple[int, ...]]:
    """Return four blocks, each a part, and the shape of a sample."""
    end = [layers.GlobalAveragePooling1D(), layers.Dense(10, dtype="float32")]
    return [*(Again(block, remat) for _ in range(4)), *end], (64, 64)


NETWORKS = {"mlp": mlp, "cnn": cnn, "transformer": transformer}
# The policy, whether the gradient computes values again, and in how many parts a batch is trained.
WAYS: dict[str, tuple[str, bool, int]] = {
    "as it is": ("float32", False, 1),
    "mixed_bfloat16": ("mixed_bfloat16", False, 1),
    "mixed_float16": ("mixed_float16", False, 1),
    "remat": ("float32", True, 1),
    "accumulated by 4": ("float32", False, 4),
}


class Way:
    """A network that is trained in one way: `run` trains it on all samples."""

    def __init__(self, network: str, policy: str, remat: bool, parts: int) -> None:
        tv.utils.set_random_seed(0)
        tv.config.set_dtype_policy(policy)
        inside, shape = NETWORKS[network](remat)
        self.model = tv.Sequential([tv.Input(shape), *inside])
        self.model.compile(
            tv.optimizers.Adam(1e-4, gradient_accumulation_steps=parts if parts > 1 else None),
            tv.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        tv.config.set_dtype_policy("float32")
        rng, samples = np.random.default_rng(0), 4 * BATCHES[network]
        x = rng.normal(size=(samples, *shape)).astype("float32")
        self.data = x, rng.integers(0, 10, samples)
        self.batch = BATCHES[network] // parts
        self.loss = self.run()
        # The program that was asked for last: each batch is like the others.
        program = next(reversed(executables._latest.values())).result()
        self.memory = program.memory_analysis().temp_size_in_bytes

    def run(self) -> float:
        """Train on all samples; return the loss."""
        history = self.model.fit(*self.data, batch_size=self.batch, shuffle=False, verbose=0)
        return float(history.history["loss"][-1])


def measured(network: str, rounds: int) -> list[list[str]]:
    """Return the rows of a table: the ways of training a network, each with its memory and its times."""
    ways = {name: Way(network, *said) for name, said in WAYS.items()}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter(), time.process_time()
            way.run()
            ended = time.perf_counter(), time.process_time()
            times[name].append((ended[0] - began[0], ended[1] - began[1]))
    medians = {n: [statistics.median(t) for t in zip(*ts, strict=True)] for n, ts in times.items()}
    first, memory = medians["as it is"], ways["as it is"].memory
    return [
        [
            network, name, f"{way.memory / 2**20:.1f} MiB", f"{way.memory / memory:.2f}",
            f"{1e3 * medians[name][0] / 4:.0f} ms", f"{medians[name][0] / first[0]:.2f}",
            f"{medians[name][1] / first[1]:.2f}", f"{way.loss:.3f}",
        ]
        for name, way in ways.items()
    ]  # fmt: skip


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="times that each is trained")
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    given = parser.parse_args()
    head = ["network", "way", "memory", "ratio", "a batch", "ratio", "of CPU", "first loss"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for network in given.only:
        for row in measured(network, given.rounds):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
