"""Measure the forms of convolution and pooling that `trivium.ops.lowering` chooses among.

Each form makes training steps (a loss, and its gradients for the inputs and the kernel) inside a compiled loop, as
`fit` runs them. The forms of a case take turns, so that what else the machine does falls on all of them, and the
table has the medians as multiples of XLA's own form.

    python benchmarks/lowering.py --rounds 7 --only conv
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from rich.console import Console
from rich.progress import track
from rich.table import Table

from trivium.ops import lowering
from trivium.ops.lowering import convolution
from trivium.ops.lowering.windows import pad_spatial, same_padding, windows

Form = Callable[[jax.Array, jax.Array], jax.Array]


@dataclass(frozen=True)
class Case:
    """What to measure: an op on arrays of certain shapes, in several forms; the first is XLA's own."""

    name: str
    inputs: tuple[int, ...]
    kernel: tuple[int, ...]
    forms: dict[str, Form]


def convolution_case(
    name: str, batch: int, size: int, channels: int, kernel: tuple[int, ...], forms: list[str]
) -> Case:
    """Return a case of a square convolution that keeps the size."""
    steps, window = (1, 1), kernel[:2]

    def fast(form: str) -> Form:
        pads = same_padding((size, size), window, steps, steps)
        return lambda x, k: getattr(convolution, form)(pad_spatial(x, pads), k, steps, steps)

    return Case(
        name,
        (batch, size, size, channels),
        kernel,
        {
            "XLA": lambda x, k: convolution.plain(x, k, steps, "same", steps),
            **{form: fast(form) for form in forms},
            "lowering.conv": lambda x, k: lowering.conv(x, k, steps, "same", steps),
        },
    )


def pooling_case(
    name: str, batch: int, size: int, channels: int, window: int, average: bool
) -> Case:
    """Return a case of square pooling whose windows stand side by side."""
    square = (window, window)

    def of_window(x: jax.Array) -> jax.Array:
        start, function = (0.0, lax.add) if average else (-jnp.inf, lax.max)
        total = lax.reduce_window(x, start, function, (1, *square, 1), (1, *square, 1), "VALID")
        return total / window**2 if average else total

    def of_cells(x: jax.Array) -> jax.Array:
        total = reduce(jnp.add if average else jnp.maximum, windows(x, square, square))
        return total / window**2 if average else total

    pool = lowering.average_pool if average else lowering.max_pool
    return Case(
        name,
        (batch, size, size, channels),
        (),
        {
            "XLA": lambda x, k: of_window(x * k),
            "all cells at once": lambda x, k: of_cells(x * k),
            f"lowering.{'average' if average else 'max'}_pool": lambda x, k: pool(
                x * k, square, square, "valid"
            ),
        },
    )


def cases(batch: int) -> list[Case]:
    """Return what is measured by default."""
    return [
        convolution_case(
            "conv 3x3, 28x28x1 to 32", batch, 28, 1, (3, 3, 1, 32), ["patches", "rows"]
        ),
        convolution_case(
            "conv 3x3, 14x14x32 to 64", batch, 14, 32, (3, 3, 32, 64), ["patches", "rows"]
        ),
        convolution_case(
            "conv 5x5, 14x14x16 to 32", batch, 14, 16, (5, 5, 16, 32), ["patches", "rows"]
        ),
        convolution_case(
            "conv 3x3, 4 groups, 14x14x32 to 32",
            batch,
            14,
            32,
            (3, 3, 8, 32),
            ["groups_apart", "groups_batched"],
        ),
        convolution_case(
            "conv 3x3, 16 groups, 14x14x32 to 32",
            batch,
            14,
            32,
            (3, 3, 2, 32),
            ["groups_apart", "groups_batched"],
        ),
        convolution_case(
            "conv 3x3, depthwise, 14x14x32", batch, 14, 32, (3, 3, 1, 32), ["depthwise"]
        ),
        pooling_case("max pool 2x2, 28x28x32", batch, 28, 32, 2, average=False),
        pooling_case("max pool 3x3, 27x27x32", batch, 27, 32, 3, average=False),
        pooling_case("average pool 2x2, 28x28x32", batch, 28, 32, 2, average=True),
    ]


def loop(form: Form) -> Callable[..., Any]:
    """Return a compiled loop of training steps with one form."""

    def loss(arrays: Any) -> jax.Array:
        return jnp.mean(jnp.square(form(*arrays)))

    def step(_: int, arrays: Any) -> Any:
        return jax.tree_util.tree_map(lambda a, g: a - 0.01 * g, arrays, jax.grad(loss)(arrays))

    return jax.jit(lambda steps, arrays: lax.fori_loop(0, steps, step, arrays))


def measure(case: Case, rounds: int, seconds: float) -> dict[str, float]:
    """Return the median seconds a step of each form, in as many rounds, each of about as many seconds a form."""
    generator = np.random.default_rng(0)
    arrays = tuple(
        jnp.asarray(generator.normal(size=shape), "float32") for shape in (case.inputs, case.kernel)
    )
    loops = {name: loop(form) for name, form in case.forms.items()}

    def run(name: str, steps: int) -> float:
        begin = time.perf_counter()
        jax.block_until_ready(loops[name](steps, arrays))
        return (time.perf_counter() - begin) / steps

    for name in loops:
        run(name, 1)  # Compiles.
    steps = {name: max(1, round(seconds / run(name, 2))) for name in loops}
    times: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name in loops:
            times[name].append(run(name, steps[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def table(results: dict[str, dict[str, float]]) -> Table:
    """Return the medians and their ratios to XLA's own form."""
    shown = Table(title=f"Training steps in a compiled loop on {jax.devices()[0].device_kind}")
    for heading in ("case", "form"):
        shown.add_column(heading)
    for heading in ("ms a step", "times XLA"):
        shown.add_column(heading, justify="right")
    for case, medians in results.items():
        fastest = min(medians.values())
        for i, (form, seconds) in enumerate(medians.items()):
            style = "bold" if seconds == fastest else ""
            ratio = seconds / medians["XLA"]
            shown.add_row(
                case if i == 0 else "", form, f"{1000 * seconds:.2f}", f"{ratio:.3f}", style=style
            )
        shown.add_section()
    return shown


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--batch", type=int, default=32, help="examples in a batch (default: 32)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each form (default: 5)")
    parser.add_argument(
        "--seconds", type=float, default=0.2, help="length of a turn (default: 0.2)"
    )
    parser.add_argument("--only", default="", help="measure the cases whose names contain this")
    given = parser.parse_args()
    chosen = [case for case in cases(given.batch) if given.only in case.name]
    if not chosen:
        parser.error(f"no case contains {given.only!r}: {', '.join(c.name for c in cases(1))}")
    results = {
        case.name: measure(case, given.rounds, given.seconds)
        for case in track(chosen, description="Measuring", transient=True)
    }
    Console().print(table(results))


if __name__ == "__main__":
    main()
