"""One case with one library, in this process, which the parent asks for measures, line by line.

At first it imports, makes the network and trains for an epoch, and says what that took. Then it does what each line of
standard input names, as often as lines come, and answers with `[seconds by the clock, seconds of all cores, value]`.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.case import Case
from benchmarks.cases import CASES
from benchmarks.drivers import LIBRARIES, Driver, driver

__all__ = ["CALLS", "scaled"]

# How often what is done for one sample or one batch is done for a measure.
CALLS = 20


def scaled(case: Case, scale: float) -> Case:
    """Return a case with another number of samples, a multiple of its batch size.

    Args:
        case: The case.
        scale: What part of the samples is taken.
    """

    def part(count: int) -> int:
        return max(1, round(count * scale / case.batch_size)) * case.batch_size if count else 0

    predicted = max(32, round(case.predicted * scale)) if case.predicted else 0
    # What is about few samples has few already.
    if case.samples > 1_000:
        case = replace(case, samples=part(case.samples), held=part(case.held))
    return replace(case, predicted=predicted)


def timed(function: Callable[[], Any], calls: int = 1) -> tuple[float, float, Any]:
    """Return what a call takes by the clock, what all cores worked for it, and its value.

    Args:
        function: What to call.
        calls: How often; the times are those of one call.
    """
    value = None
    clock, cores = time.perf_counter(), time.process_time()
    for _ in range(calls):
        value = function()
    clock, cores = time.perf_counter() - clock, time.process_time() - cores
    return clock / calls, cores / calls, value


def measures(made: Driver, case: Case, x: Any, y: Any) -> dict[str, Callable[[], Any]]:
    """Return what each measure of a running process does."""
    many = x[: case.predicted]
    one, batch, answers = x[:1], x[: case.batch_size], y[: case.batch_size]
    calls = min(CALLS, len(x) // case.batch_size)
    return {
        "epoch": lambda: timed(made.epoch),
        "predict": lambda: timed(lambda: made.predict(many)),
        "predict one": lambda: timed(lambda: made.predict(one), CALLS),
        "call one": lambda: timed(lambda: made.call(one), CALLS),
        "train_on_batch": lambda: timed(lambda: made.train_on_batch(batch, answers), calls),
        # In megabytes; Linux counts in kilobytes.
        "memory": lambda: [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024] * 2 + [None],
    }


def main() -> None:
    """Answer the lines of standard input."""
    # What libraries print is not for the parent.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, called, scale = sys.argv[1], sys.argv[2], float(sys.argv[3])
    library, found = LIBRARIES[called], CASES[name]
    assert isinstance(found, Case)
    case = scaled(found, scale)
    clock, cores, _ = timed(lambda: importlib.import_module(library.imports))
    x, y = case.data(max(case.samples + case.held, case.predicted))
    train, rest = slice(0, case.samples), slice(case.samples, case.samples + case.held)
    held = (x[rest], y[rest]) if case.held else None
    made: list[Driver] = []
    built = timed(lambda: made.append(driver(library, case, x[train], y[train], held)))
    can = measures(made[0], case, x, y)
    first = can["epoch"]()
    step = built[0] + first[0], built[1] + first[1], None
    begun = {"import": (clock, cores, None), "first step": step, "first epoch": first}
    print(json.dumps(begun), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(can[line.strip()]()), file=answers, flush=True)


if __name__ == "__main__":
    main()
