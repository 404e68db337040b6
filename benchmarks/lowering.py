"""Measure the forms of convolution and pooling that `trivium.ops.lowering` chooses among.

Each form makes training steps (a loss, and its gradients for the inputs and the kernel), inside a compiled loop, as
`fit` runs them, and one dispatch after the other. The forms of a case take turns, so that what else the machine does
falls on all of them. The table has the medians, as multiples of XLA's own form outside of a loop; the least time of all
cores, which says more than the clock where others use the machine too; and what it took to compile.

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
from trivium.ops.lowering import canonical, convolution
from trivium.ops.lowering.canonical import Geometry
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
    name: str,
    batch: int,
    size: int,
    channels: int,
    kernel: tuple[int, ...],
    strides: int = 1,
) -> Case:
    """Return a case of a square convolution with `"same"` padding."""
    steps, ones, window = (strides, strides), (1, 1), kernel[:2]
    pads = same_padding((size, size), window, steps, ones)
    how = Geometry(steps, tuple(pads), ones, ones)

    def of_groups(form: str) -> Form:
        return lambda x, k: getattr(convolution, form)(pad_spatial(x, pads), k, steps, ones)

    forms: dict[str, Form] = {"XLA": lambda x, k: canonical.plain(x, k, steps, "same", ones)}
    if kernel[2] == channels:
        forms["convolve"] = lambda x, k: canonical.convolve(x, k, how)
        forms["product"] = lambda x, k: canonical.product(x, k, how)
    elif kernel[2] == 1:
        forms["depthwise"] = of_groups("depthwise")
    else:
        forms |= {form: of_groups(form) for form in ("groups_apart", "groups_batched")}
    forms["lowering.conv"] = lambda x, k: lowering.conv(x, k, steps, "same", ones)
    return Case(name, (batch, size, size, channels), kernel, forms)


def transposed_case(
    name: str, batch: int, size: int, channels: int, kernel: tuple[int, ...], strides: int
) -> Case:
    """Return a case of a transposed convolution that makes the size so many times as large."""
    window, steps = kernel[0], (strides, strides)
    less = (window - strides) // 2
    cut = ((-less, less + strides - window),) * 2

    def of_xla(x: jax.Array, k: jax.Array) -> jax.Array:
        pads = [(window - 1 + low, window - 1 + high) for low, high in cut]
        turned = jnp.flip(k, (0, 1)).swapaxes(-1, -2)
        return canonical.plain(x, turned, (1, 1), pads, (1, 1), steps)

    return Case(
        name,
        (batch, size, size, channels),
        kernel,
        {
            "XLA": of_xla,
            "lowering.conv_transpose": lambda x, k: lowering.conv_transpose(
                x, k, steps, cut, (1, 1)
            ),
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
        convolution_case("conv 3x3, 28x28x1 to 32", batch, 28, 1, (3, 3, 1, 32)),
        convolution_case("conv 3x3, 28x28x32 to 32", batch, 28, 32, (3, 3, 32, 32)),
        convolution_case("conv 3x3, 14x14x64 to 64", batch, 14, 64, (3, 3, 64, 64)),
        convolution_case("conv 3x3, 7x7x128 to 128", batch, 7, 128, (3, 3, 128, 128)),
        convolution_case("conv 3x3, stride 2, 28x28x32 to 64", batch, 28, 32, (3, 3, 32, 64), 2),
        convolution_case("conv 1x1, stride 2, 28x28x32 to 64", batch, 28, 32, (1, 1, 32, 64), 2),
        convolution_case("conv 5x5, 14x14x16 to 32", batch, 14, 16, (5, 5, 16, 32)),
        convolution_case("conv 3x3, 4 groups, 14x14x32 to 32", batch, 14, 32, (3, 3, 8, 32)),
        convolution_case("conv 3x3, 16 groups, 14x14x32 to 32", batch, 14, 32, (3, 3, 2, 32)),
        convolution_case("conv 3x3, depthwise, 14x14x32", batch, 14, 32, (3, 3, 1, 32)),
        convolution_case("conv 3x3, depthwise twice, stride 2", batch, 28, 32, (3, 3, 1, 64), 2),
        transposed_case("transposed 3x3, 14x14x32 to 32", batch, 14, 32, (3, 3, 32, 32), 1),
        transposed_case(
            "transposed 3x3, stride 2, 14x14x64 to 32", batch, 14, 64, (3, 3, 32, 64), 2
        ),
        pooling_case("max pool 2x2, 28x28x32", batch, 28, 32, 2, average=False),
        pooling_case("max pool 3x3, 27x27x32", batch, 27, 32, 3, average=False),
        pooling_case("average pool 2x2, 28x28x32", batch, 28, 32, 2, average=True),
    ]


def programs(form: Form) -> dict[str, Callable[..., Any]]:
    """Return functions that make some training steps with one form, in a loop and one dispatch after the other."""

    def loss(arrays: Any) -> jax.Array:
        return jnp.mean(jnp.square(form(*arrays)))

    def step(arrays: Any) -> Any:
        return jax.tree_util.tree_map(lambda a, g: a - 0.01 * g, arrays, jax.grad(loss)(arrays))

    loop = jax.jit(lambda steps, a: lax.fori_loop(0, steps, lambda _, a: step(a), a))
    straight = jax.jit(step)

    def dispatched(steps: int, arrays: Any) -> Any:
        for _ in range(steps):
            arrays = straight(arrays)
        return arrays

    return {"in a loop": loop, "straight": dispatched}


@dataclass(frozen=True)
class Times:
    """Milliseconds a step by the clock (the median) and of all cores (the least), and seconds to compile."""

    clock: float
    cores: float
    compiling: float


def measure(case: Case, rounds: int, seconds: float) -> dict[tuple[str, str], Times]:
    """Return the times of each form in each place, in as many rounds, each of about as many seconds."""
    generator = np.random.default_rng(0)
    arrays = tuple(
        jnp.asarray(generator.normal(size=shape), "float32") for shape in (case.inputs, case.kernel)
    )
    runs = {
        (name, place): run
        for name, form in case.forms.items()
        for place, run in programs(form).items()
    }

    def timed(key: tuple[str, str], steps: int) -> tuple[float, float]:
        clock, cores = time.perf_counter(), time.process_time()
        jax.block_until_ready(runs[key](steps, arrays))
        return (time.perf_counter() - clock) / steps, (time.process_time() - cores) / steps

    compiling = {key: timed(key, 1)[0] for key in runs}
    steps = {key: max(1, round(seconds / timed(key, 1)[0])) for key in runs}
    times: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key in runs:
            times[key].append(timed(key, steps[key]))
    return {
        key: Times(
            1000 * statistics.median(clock for clock, _ in found),
            1000 * min(cores for _, cores in found),
            compiling[key],
        )
        for key, found in times.items()
    }


def table(results: dict[str, dict[tuple[str, str], Times]]) -> Table:
    """Return the times and their ratios to XLA's own form outside of a loop."""
    shown = Table(title=f"Training steps on {jax.devices()[0].device_kind}")
    for heading in ("case", "form", "place"):
        shown.add_column(heading)
    for heading in ("ms", "times XLA", "ms of all cores", "s to compile"):
        shown.add_column(heading, justify="right")
    for case, found in results.items():
        fastest = min(times.cores for times in found.values())
        for i, ((form, place), times) in enumerate(found.items()):
            ratio = times.clock / found["XLA", "straight"].clock
            shown.add_row(
                case if i == 0 else "",
                form,
                place,
                f"{times.clock:.2f}",
                f"{ratio:.3f}",
                f"{times.cores:.2f}",
                f"{times.compiling:.2f}",
                style="bold" if times.cores == fastest else "",
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
