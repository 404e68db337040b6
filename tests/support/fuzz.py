"""Mutated files of models, weights, runs and exported programs: whatever they hold, reading ends in what they are or in
one of the library's own errors, soon.

PYTHONPATH=src:tests/support python -m fuzz [COUNT] [SEED]

prints how many files were taken and refused; a file that leads to anything else is written beside the program, and the
exit status is 1.
"""

from __future__ import annotations

import collections
import dataclasses
import io
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

import trivium as tv
from trivium.export import load_exported
from trivium.saving import ModelFileError
from trivium.training.run_state import RunState, RunStateError

SECONDS = 20


def models() -> list[Any]:
    """Return small models that between them have all that a file can have."""

    class Own(tv.Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=shape[-1:], name="w")

        def call(self, x: Any) -> Any:
            return tv.ops.tanh(x) * self.w

    stack = tv.Sequential(
        [tv.Input((4,)), tv.layers.Dense(3, activation="relu"), tv.layers.BatchNormalization()]
    )
    stack.compile("adam", "mse", metrics=["mae"])
    stack.optimizer.build(stack.trainable_variables)
    a, b = tv.Input((4,), name="a"), tv.Input((4,), name="b")
    shared = tv.layers.Dense(2)
    y = tv.ops.concatenate([shared(a), shared(b)[:, :1] * 2.0], axis=-1)
    graph = tv.Model({"a": a, "b": b}, [y, tv.layers.Dropout(0.5)(y)])
    own = tv.Sequential([tv.Input((4,)), Own(), tv.layers.Dense(1)])
    return [stack, graph, own]


@dataclasses.dataclass
class Subject:
    """A file by its parts (or as a whole, one part without a name), and what reads a file from a path."""

    ending: str
    parts: dict[str, bytes]
    read: Callable[[str], Any]


def parts_of(path: str) -> dict[str, bytes]:
    """Return the parts of a file by name; all of it without a name where it is no archive."""
    if not zipfile.is_zipfile(path):
        return {"": pathlib.Path(path).read_bytes()}
    with zipfile.ZipFile(path) as members:
        return {name: members.read(name) for name in members.namelist()}


def subjects() -> list[Subject]:
    """Return a file of each kind."""
    found = []

    def add(ending: str, write: Callable[[str], Any], read: Callable[[str], Any]) -> None:
        path = os.path.join(folder, f"{len(found)}{ending}")
        write(path)
        found.append(Subject(ending, parts_of(path), read))

    with tempfile.TemporaryDirectory() as folder:
        every = models()
        for model in every:
            add(".keras", model.save, tv.models.load_model)
        stack = every[0]
        for ending in (".weights.h5", ".safetensors"):
            add(ending, stack.save_weights, stack.load_weights)
        add(".stablehlo", lambda path: stack.export(path, verbose=False), load_exported)
        backup = tv.callbacks.BackupAndRestore(folder, save_freq=1, delete_checkpoint=False)
        stack.fit(np.ones((6, 4)), np.ones((6, 3)), 2, verbose=0, callbacks=[backup])
        (written,) = sorted(pathlib.Path(folder).glob("*.run"))[-1:]
        add(".run", lambda path: shutil.copy(written, path), RunState.read)
    return found


def packed(parts: dict[str, bytes]) -> bytes:
    """Return an archive of parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as members:
        for name, content in parts.items():
            members.writestr(name, content)
    return file.getvalue()


def mutated_bytes(chance: random.Random, data: bytes) -> bytes:
    """Flip, overwrite, cut out, double or enlarge a few bytes."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8])):
        at, length = chance.randrange(len(changed)), chance.randrange(1, 64)
        kind = chance.randrange(5)
        if kind == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at : at + length] = chance.randbytes(length)
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at:at] = changed[at : at + length]
        else:
            number = chance.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1])
            changed[at : at + 8] = number.to_bytes(8, "little")
        if not changed:
            return b""
    return bytes(changed)


VALUES = [
    None, True, False, 0, 1, -1, 2, 7, 1 << 20, -(1 << 31), 0.5, -1.0, float("nan"), float("inf"), "", "relu", "Dense",
    "adam", "../x", "keras", [], {}, [None], [0, 0, 0], {"class_name": "Dense", "config": {}}, {"a": 1},
    {"class_name": "__lambda__", "config": {"code": "YQ=="}}, {"class_name": "__tensor__", "config": {}},
    {"class_name": "__numpy__", "config": {"value": [1, [2]], "dtype": "int8"}}, "x" * 300, "\0", "é",
    {"class_name": "function", "config": "relu", "module": "builtins", "registered_name": "function"},
]  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a config, as its container and its key there."""
    found, waiting = [], [value]
    while waiting:
        inner = waiting.pop()
        items = inner.items() if isinstance(inner, dict) else enumerate(inner)
        for key, v in items:
            found.append((inner, key))
            if isinstance(v, dict | list):
                waiting.append(v)
    return found


def mutated_config(chance: random.Random, text: bytes) -> bytes:
    """Put other values, or values of other places, into a config."""
    config = json.loads(text)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        every = places(config)
        container, key = chance.choice(every)
        kind = chance.randrange(4)
        if kind == 0:
            container[key] = chance.choice(VALUES)
        elif kind == 1:
            other, name = chance.choice(every)
            container[key] = json.loads(json.dumps(other[name]))
        elif kind == 2 and isinstance(container, dict):
            container[chance.choice(["name", "config", "class_name", "axis", "x"])] = chance.choice(
                VALUES
            )
        else:
            del container[key]
        if not places(config):
            break
    return json.dumps(config).encode()


def mutation(chance: random.Random, parts: dict[str, bytes]) -> bytes:
    """Return a file with a part, or the whole of it, mutated."""
    if "" in parts:
        return mutated_bytes(chance, parts[""])
    texts = [name for name in parts if name.endswith(".json")]
    others = [name for name in parts if name not in texts]
    kind = chance.randrange(4)
    if kind == 0:
        return mutated_bytes(chance, packed(parts))
    name = chance.choice(others if kind == 1 and others else texts)
    changed = mutated_config if kind == 3 else mutated_bytes
    return packed({**parts, name: changed(chance, parts[name])})


class Hang(BaseException):
    """Loading took too long."""


def _hang(*_: Any) -> None:
    raise Hang


def run(count: int, seed: int, tell: Callable[[bytes, str], None]) -> collections.Counter[str]:
    """Load mutated files and count what came of it.

    Args:
        count: How many.
        seed: A seed.
        tell: Called with a file, and what went wrong, that led to something else than a model or a refusal.
    """
    counts: collections.Counter[str] = collections.Counter()
    whole = subjects()
    before = signal.signal(signal.SIGALRM, _hang)
    with tempfile.TemporaryDirectory() as folder:
        try:
            for i in range(count):
                chance = random.Random(f"{seed}:{i}")
                subject = chance.choice(whole)
                data = mutation(chance, subject.parts)
                path = os.path.join(folder, f"file{subject.ending}")
                pathlib.Path(path).write_bytes(data)
                came, said = attempt(subject, path)
                counts[f"{subject.ending} {came}"] += 1
                if came == "WRONG":
                    tell(data, f"{seed}-{i}{subject.ending}: {said}")
                if i % 200 == 199:
                    tv.backend.clear_session()
        finally:
            signal.signal(signal.SIGALRM, before)
    return counts


def attempt(subject: Subject, path: str) -> tuple[str, str]:
    """Read a file; return what came of it, and what was said."""
    signal.alarm(SECONDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            subject.read(path)
            return "read", ""
        except (ModelFileError, RunStateError) as error:
            return "refused", str(error)
        except (Exception, Hang) as error:
            return "WRONG", f"{type(error).__name__}: {error}"
        finally:
            signal.alarm(0)


def main() -> int:
    """Run the command."""
    count, seed = (
        (int(x) for x in [*sys.argv[1:], "10000", "0"][:2])
        if len(sys.argv) != 2
        else (int(sys.argv[1]), 0)
    )
    start = time.monotonic()

    def tell(data: bytes, said: str) -> None:
        name = f"fuzz-{said.split(': ')[0]}"
        with open(name, "wb") as file:
            file.write(data)
        print(f"{name}: {said[:300]}")

    counts = run(count, seed, tell)
    print(dict(sorted(counts.items())), f"{time.monotonic() - start:.0f} s")
    return int(any(name.endswith("WRONG") for name in counts))


if __name__ == "__main__":
    sys.exit(main())
