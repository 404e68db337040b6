"""Measure whole programs: as they are under Python with TensorFlow, and under `trivium run`.

They take turns, so that what else the machine does falls on all, and the table has the medians and their ratios.
Each run is a process of its own and counts from its start to its end: imports, data, plots and all. `trivium run` runs
a program twice: for the first time, and again, when it reads what the first run compiled.

    pip install -e ".[bench]"
    python benchmarks/scripts.py tests/compat/programs/article_sequential.py --rounds 3 -- 60000 30
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import trivium

ENGINES = ("trivium", "trivium again", "tensorflow")


class DoesNotRun(Exception):
    """A program failed."""


def command(engine: str, program: Path, python: str) -> list[str]:
    """Return what runs a program with an engine."""
    if engine != "tensorflow":
        return [sys.executable, "-m", "trivium", "run", str(program)]
    return [python, str(program)]


def seconds(words: list[str], home: Path, programs: Path) -> float:
    """Return how long a command takes.

    Args:
        words: The command.
        home: Where Keras keeps its data sets.
        programs: Where Trivium keeps what it compiled.

    Raises:
        DoesNotRun: It fails.
    """
    environment = {
        **os.environ,
        "MPLBACKEND": "agg",
        "KERAS_HOME": str(home),
        "TRIVIUM_COMPILATION_CACHE": str(programs),
    }
    # What pip installs has its bytecode beside it, and so has what ran once; no user's Python reads sources each time.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - began
    if done.returncode:
        raise DoesNotRun(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")
    return taken


def provide_data(home: Path) -> None:
    """Lay Fashion-MNIST where Keras looks for it, so that nothing is downloaded."""
    shipped = Path(trivium.__file__).parent / "datasets" / "data" / "fashion_mnist"
    place = home / "datasets" / "fashion-mnist"
    place.mkdir(parents=True)
    for file in shipped.glob("*.gz"):
        shutil.copy(file, place)


def measure(
    programs: list[Path], words: list[str], rounds: int, python: str
) -> dict[Path, dict[str, list[float]]]:
    """Return the seconds of each run, by program and engine, of the programs that TensorFlow runs, too.

    Some use what only `tf.keras` before Keras 3 had.
    """
    times = {program: {engine: list[float]() for engine in ENGINES} for program in programs}
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(transient=True, console=Console(stderr=True)) as progress,
    ):
        home = Path(folder) / "keras"
        provide_data(home)
        task = progress.add_task("", total=rounds * len(programs) * len(ENGINES))
        for _ in range(rounds):
            for program in programs:
                # Beside the copy is where figures are saved.
                copy = Path(shutil.copy(program, folder))
                compiled = Path(tempfile.mkdtemp(dir=folder))
                for engine in ENGINES if program in times else ():
                    progress.update(task, description=f"{program.name} with {engine}")
                    try:
                        taken = seconds([*command(engine, copy, python), *words], home, compiled)
                    except DoesNotRun as error:
                        if engine != "tensorflow":
                            raise SystemExit(str(error)) from None
                        progress.console.print(f"{program.name} is left out: {error}")
                        del times[program]
                        break
                    times[program][engine].append(taken)
                    progress.advance(task)
    return times


def table(times: dict[Path, dict[str, list[float]]]) -> Table:
    """Return the medians, and how many times as long TensorFlow takes as a first run and as another one."""
    shown = Table(title="Whole programs, seconds (median of the runs)")
    shown.add_column("program")
    for heading in (*ENGINES, "ratio", "again", "runs"):
        shown.add_column(heading, justify="right")
    for program, engines in times.items():
        ours, again, theirs = (statistics.median(engines[engine]) for engine in ENGINES)
        runs = "; ".join(
            " / ".join(f"{t:.1f}" for t in turn) for turn in zip(*engines.values(), strict=True)
        )
        numbers = (f"{n:.1f}" for n in (ours, again, theirs, theirs / ours, theirs / again))
        shown.add_row(program.name, *numbers, runs)
    return shown


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("programs", nargs="+", type=Path, help="programs written for tf.keras")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument(
        "--python", default=sys.executable, help="a Python with TensorFlow (default: this one)"
    )
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:end])
    times = measure(given.programs, words[end + 1 :], given.rounds, given.python)
    Console(width=120).print(table(times))


if __name__ == "__main__":
    main()
