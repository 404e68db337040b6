"""A match: libraries do the same work alternately, each in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.case import Case, Command
from benchmarks.cases import CASES
from benchmarks.drivers import LIBRARIES

__all__ = ["Failed", "Settings", "installed", "play"]

ROOT = Path(__file__).parents[1]
# Says the versions of packages; ends with an error where one is missing. Few import what they say they are called.
VERSIONS = """
import importlib.metadata, importlib.util, sys
for name in sys.argv[1:]:
    if importlib.util.find_spec(name) is None:
        sys.exit(f"{name} is not installed")
    found = [d for n in (name, name + "_cpu") for d in importlib.metadata.distributions(name=n)]
    print(name, found[0].version if found else "", end="; ")
"""

Found = dict[str, Any]


class Failed(Exception):
    """A library's process ended with an error; the message is its last line."""


@dataclass(frozen=True)
class Settings:
    """How a match is played.

    Args:
        rounds: How often each measure is taken.
        scale: What part of the samples is trained on.
        budget: After so many seconds of a measure a library sits out its further rounds.
        pythons: The Python of each package that has one of its own.
    """

    rounds: int = 5
    scale: float = 1.0
    budget: float = 60.0
    pythons: dict[str, str] = field(default_factory=dict)

    def python(self, library: str) -> str:
        """Return the Python that runs a library."""
        found = [self.pythons[n] for n in LIBRARIES[library].needs if n in self.pythons]
        return found[-1] if found else sys.executable


def installed(library: str, settings: Settings) -> str | None:
    """Return the versions of a library's packages, or `None` where one is missing.

    Args:
        library: The library.
        settings: Where the Pythons are.
    """
    words = [settings.python(library), "-c", VERSIONS, *LIBRARIES[library].needs]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout.strip().rstrip(";")


class Process:
    """A worker, or a command; what it took so far is in `found`."""

    def __init__(self, words: list[str], environment: dict[str, str], answers: bool) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `end`
        self.found: Found = {}
        environment = {**os.environ, "MPLBACKEND": "agg", **environment}
        # What pip installs has its bytecode beside it, and so must what runs from its sources: see `scripts`.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.began, self.before = time.perf_counter(), _cores()
        try:
            self.running = subprocess.Popen(
                words, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=self.errors, env=environment,
            )  # fmt: skip
        except OSError:
            self.errors.close()
            raise
        if answers:
            self.found = self._answer()
            taken = time.perf_counter() - self.began
            self.found["cold start"] = taken, float("nan"), None

    def _answer(self) -> Any:
        assert self.running.stdout
        line = self.running.stdout.readline()
        if not line:
            self.end()
            raise Failed("it ended without a word")
        return json.loads(line)

    def ask(self, measure: str) -> Any:
        """Return what a measure took, and its value."""
        assert self.running.stdin
        print(measure, file=self.running.stdin, flush=True)
        return self._answer()

    def end(self) -> Found:
        """Wait until the process ends, and return what it took."""
        # Reads what it still prints.
        self.running.communicate()
        cores = _cores() - self.before
        self.found["whole process"] = time.perf_counter() - self.began, cores, None
        with self.errors:
            self.errors.seek(0)
            lines = [line for line in self.errors.read().splitlines() if line.strip()]
        if self.running.returncode:
            raise Failed(lines[-1] if lines else f"exit status {self.running.returncode}")
        return self.found


def _cores() -> float:
    """Return the seconds that cores worked for processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Player:
    """A library in a case: its process, what it took, and how its loss went."""

    def __init__(self, case: Case | Command, library: str, settings: Settings) -> None:
        self.case, self.library, self.settings = case, library, settings
        self.times: dict[str, list[list[float]]] = {}
        self.losses: list[float] = []
        self.process: Process | None = None
        self.kept = tempfile.TemporaryDirectory() if case.cached else None
        can = LIBRARIES[library].measures
        self.measures = [m for m in case.measures if can is None or m in can]

    def _start(self) -> Process:
        python, scale = self.settings.python(self.library), self.settings.scale
        environment = dict(LIBRARIES[self.library].environment)
        if self.kept:
            environment["TRIVIUM_COMPILATION_CACHE"] = self.kept.name
            if self.library == "keras-jax-cached":
                environment["JAX_COMPILATION_CACHE_DIR"] = self.kept.name
        if isinstance(self.case, Command):
            return Process(self.case.words(self.library, python, scale), environment, False)
        words = [python, "-m", "benchmarks.worker", self.case.name, self.library, str(scale)]
        return Process(words, environment, True)

    def round(self) -> None:
        """Take each measure once, unless this library has had its time."""
        if self.case.fresh:
            if not self.times and self.kept:
                self._start().end()  # The run before the one that is measured.
            if not self._tired("whole process"):
                found = self._start().end()
                self._note(found)
            return
        if self.process is None:
            self.process = self._start()
            self._note(self.process.found)
            # The first of each compiles.
            for measure in self.measures:
                if measure not in ("epoch", "memory"):
                    self.process.ask(measure)
        for measure in self.measures:
            if measure != "memory" and not self._tired(measure):
                self._note({measure: self.process.ask(measure)})

    def _tired(self, measure: str) -> bool:
        return sum(taken[0] for taken in self.times.get(measure, ())) > self.settings.budget

    def _note(self, found: Found) -> None:
        for measure, (clock, cores, value) in found.items():
            self.times.setdefault(measure, []).append([clock, cores])
            if value is not None and measure in ("first epoch", "epoch"):
                self.losses.append(value)

    def end(self) -> None:
        """Let the process end."""
        if self.process:
            if "memory" in self.measures:
                self._note({"memory": self.process.ask("memory")})
            process, self.process = self.process, None
            process.end()


def play(
    name: str, libraries: Iterable[str], settings: Settings, say: Callable[[str], None]
) -> Found:
    """Return what each library took in a case: `{"times": …, "losses": …}` or `{"failed": why}`.

    Args:
        name: The case.
        libraries: The libraries that may take part.
        settings: How to play.
        say: Called with what is being done.
    """
    case = CASES[name]
    players = [
        Player(case, library, settings) for library in case.libraries if library in libraries
    ]
    found: Found = {}
    for i in range(settings.rounds):
        for player in list(players):
            say(f"{name} with {player.library}, round {i + 1}")
            try:
                player.round()
            except (Failed, OSError) as error:
                found[player.library] = {"failed": str(error)}
                players.remove(player)
    for player in players:
        player.end()
        found[player.library] = {"times": player.times, "losses": player.losses}
    return found
