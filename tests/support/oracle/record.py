"""What the real Keras says, recorded: how tests compare with it, and how the recording is kept true.

`tests/README.md` tells how to use it. Values lie in `values/` beside this file, a file for each file of tests and a
line for each case, with the definition of the case and the version of Keras. Keras is imported only to record or check.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import trivium
from oracle.definition import TESTS, Definition, define
from oracle.encoding import decode, difference, encode, line

VALUES = Path(__file__).with_name("values")


def recorded(compute: Callable[[Any], Any], case: str | None = None) -> Any:
    """Return what `compute(keras)` gives with the real Keras: as recorded, or computed anew.

    Args:
        compute: A function of the module `keras`. It returns arrays, numbers, text, configs, and lists, tuples and
            dicts of them, and nothing else enters it than its closure and the test's module.
        case: The name of the value in the file of the test. Without it, the name of the running test and the number of
            the call in it. Values with one name are one value, whoever asks.

    Returns:
        The value. Arrays of every library, and variables, come as NumPy arrays.
    """
    return ORACLE.ask(compute, case)


def both(use: Callable[[Any], Any], case: str | None = None) -> tuple[Any, Any]:
    """Return what `use(library)` gives with ours, computed, and with the real Keras, recorded."""
    theirs = recorded(use, case)
    return use(trivium), theirs


@functools.cache
def real_keras() -> Any:
    """Import the real Keras on JAX."""
    os.environ["KERAS_BACKEND"] = "jax"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras
    return keras


class Oracle:
    """The recorded values of all files, and what happened to them in this run.

    Args:
        folder: Where the values lie.
        mode: `"read"`, `"record"` or `"check"`.
    """

    def __init__(self, folder: Path = VALUES, mode: str = "read") -> None:
        self.folder, self.mode = folder, mode
        self.test: pytest.Item | None = None
        self.changes: list[str] = []
        self.kept = 0
        self._calls = 0
        self._files: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, dict[str, Any]] = {}

    def start(self, test: pytest.Item | None) -> None:
        """Let the next cases without a name be those of this test."""
        self.test, self._calls = test, 0

    def ask(self, compute: Callable[[Any], Any], case: str | None) -> Any:
        """Return the value of a case; see `recorded`."""
        path = self.test.path if self.test else inspect.unwrap(compute).__code__.co_filename
        file = Path(path).resolve().relative_to(TESTS).with_suffix("").as_posix()
        if case is None:
            if self.test is None:
                raise TypeError("oracle: outside of a test a recorded value needs a name, `case=`.")
            self._calls += 1
            within = ".".join(c.__name__ for c in [self.test.cls] if c)  # type: ignore[attr-defined]
            case = f"{within}{self.test.name}" + (f"#{self._calls}" if self._calls > 1 else "")
        asked = self._asked.setdefault(file, {})
        if case in asked:
            return decode(asked[case]["value"])
        entry = self._entry(file, case, compute)
        asked[case] = entry
        return decode(entry["value"])

    def _entry(self, file: str, case: str, compute: Callable[[Any], Any]) -> dict[str, Any]:
        old, now = self.values(file).get(case), define(compute)
        if self.mode == "read":
            self._assert_current(old, now, file, case)
            return old
        keras = real_keras()
        with warnings.catch_warnings():
            # Keras's own `Variable.numpy` warns under NumPy 2.
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            # A number that a dtype cannot hold is warned of in a process's first trace of it alone, so that what is
            # recorded would depend on the tests before.
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                value = encode(compute(keras))
            except ImportError as error:
                return self._without_tensorflow(error, old, now, f"{file}: {case}")
        new = {"case": case, "definition": str(now), "keras": keras.__version__, "value": value}
        return self._compared(old, json.loads(line(new)), now, file)

    def _without_tensorflow(
        self, error: ImportError, old: Any, now: Definition, place: str
    ) -> dict[str, Any]:
        """Return what is recorded of a layer that Keras runs on TensorFlow, where that is not installed.

        Nothing is checked then, and the report says so.
        """
        if "TensorFlow" not in str(error):
            raise error
        if self.mode == "check":
            pytest.skip(f"oracle: {place} needs TensorFlow, so what is recorded is not checked.")
        if old is None or not now.fits(old["definition"]):
            error.add_note(f"oracle: {place} is recorded where TensorFlow is installed, too.")
            raise error
        self.changes.append(f"{place}: kept as it was, since it needs TensorFlow")
        entry: dict[str, Any] = old
        return entry

    def _compared(
        self, old: Any, new: dict[str, Any], now: Definition, file: str
    ) -> dict[str, Any]:
        case = new["case"]
        said = "new" if old is None else difference(old["value"], new["value"])
        if said is None and now.fits(old["definition"]) and old["keras"] == new["keras"]:
            return old  # Another machine may round otherwise; its bits are no news.
        version = (
            "" if old is None or old["keras"] == new["keras"] else f" (was Keras {old['keras']})"
        )
        said = f"{file}: {case}: {said or 'same value'}{version}"
        if self.mode == "check":
            raise AssertionError(
                f"oracle: Keras {new['keras']} says something else than what is recorded. {said}. Record it by "
                f"`{command(file)}` and look at what changes."
            )
        self.changes.append(said)
        # Bits that are only rounded otherwise stay, so that a recording without news changes no value.
        same = old is not None and difference(old["value"], new["value"]) is None
        return {**new, "value": old["value"]} if same else new

    def _assert_current(self, old: Any, now: Definition, file: str, case: str) -> None:
        if old is None:
            raise AssertionError(
                f"oracle: no value of the real Keras is recorded for {case!r}. Record it by `{command(file)}`."
            )
        if not now.fits(old["definition"]):
            raise AssertionError(
                f"oracle: {case!r} is not what was recorded: its code or its inputs changed (definition {now}, "
                f"recorded {old['definition']}). Record it anew by `{command(file)}` and look at what changes."
            )

    def values(self, file: str) -> dict[str, Any]:
        """Return the recorded cases of a file of tests, by name."""
        if file not in self._files:
            path = self._path(file)
            lines = path.read_text().splitlines() if path.exists() else []
            entries = map(json.loads, lines)
            self._files[file] = {entry["case"]: entry for entry in entries}
        return self._files[file]

    def write(self, complete: Mapping[str, bool]) -> None:
        """Write what was recorded.

        Args:
            complete: For each file of tests whether all of it ran: then cases that nobody asked for are gone.
        """
        for file, asked in self._asked.items():
            old = self.values(file)
            gone = sorted(set(old) - set(asked)) if complete.get(file) else []
            self.changes += [f"{file}: {case}: gone" for case in gone]
            entries = {k: v for k, v in {**old, **asked}.items() if k not in gone}
            if entries != old:
                path = self._path(file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("".join(line(entries[k]) + "\n" for k in sorted(entries)))

    def _path(self, file: str) -> Path:
        return self.folder / f"{file}.jsonl"


def command(file: str) -> str:
    """Return the command that records the values of a file of tests."""
    return f"pytest -n0 --oracle=record tests/{file}.py"


ORACLE = Oracle()
