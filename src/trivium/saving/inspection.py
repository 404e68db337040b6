"""What is in a file of a model or of weights, told without loading it: nothing of it is made, called or imported."""

from __future__ import annotations

import dataclasses
import json
import operator
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from trivium.saving import legacy
from trivium.saving.archive import CONFIG, GRAPH, METADATA, opened
from trivium.saving.bounds import check_values, checked_config, read_json
from trivium.saving.hdf5 import attribute, datasets, hdf5
from trivium.saving.optimizer_places import states_in
from trivium.saving.stored import Stored, stored_of
from trivium.saving.zipped_arrays import zipped_text
from trivium.state.names import is_path
from trivium.state.registry import knows, named_function
from trivium.state.safety import ModelFileError, code_allowed

__all__ = ["FileReport", "inspect_file"]

# The texts of the files whose arrays lie beside them.
EXPORT, RUN = "export.json", "run.json"


@dataclasses.dataclass
class FileReport:
    """What is in a file.

    Args:
        source: The file.
        kind: What it is.
        facts: What it says of itself, and its parts with their sizes in bytes.
        layers: The layers, each with its class.
        weights: The shapes and dtypes of what it stores, by name.
        states: Which of these belong to optimizers.
        needs: Classes and functions of somebody's own that it names; they are to be registered before it is loaded.
        suspicious: What a loader refuses, or what nobody's model has.
    """

    source: str
    kind: str
    facts: dict[str, str] = dataclasses.field(default_factory=dict)
    layers: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    weights: dict[str, tuple[tuple[int, ...], str]] = dataclasses.field(default_factory=dict)
    states: list[str] = dataclasses.field(default_factory=list)
    needs: list[str] = dataclasses.field(default_factory=list)
    suspicious: list[str] = dataclasses.field(default_factory=list)

    @property
    def parameters(self) -> int:
        """The number of numbers in the weights, what an optimizer keeps not counted."""
        shapes = [
            s
            for n, (s, _) in self.weights.items()
            if s is not None
            and n not in self.states
            and not n.strip("/").startswith(("optimizer", "seeds", "metrics:"))
        ]
        total = 0
        for shape in shapes:
            count = 1
            for size in shape:
                count *= size
            total += count
        return total

    def __str__(self) -> str:
        lines = [f"{self.source}: {self.kind}"]
        lines += [f"  {name}: {value}" for name, value in self.facts.items()]
        if self.layers:
            width = max(len(name) for name, _ in self.layers)
            lines += ["layers:", *(f"  {name:<{width}}  {kind}" for name, kind in self.layers)]
        if self.weights:
            width = max(map(len, self.weights))
            lines.append(f"weights: {self.parameters:,} parameters")
            lines += [f"  {n:<{width}}  {d} {s}" for n, (s, d) in self.weights.items()]
        for title, entries in (("needs", self.needs), ("suspicious", self.suspicious)):
            lines += [f"{title}:", *(f"  {entry}" for entry in entries or ["nothing"])]
        # A name from a file does nothing to a terminal.
        return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)


def inspect_file(path: Any) -> FileReport:
    """Return what is in a file of a model or of weights, without loading it.

    Args:
        path: A `.keras` file or folder, `.weights.h5`, `.weights.json`, `.safetensors`, `.h5`, an exported model or the
            `.run` of a resumable `fit`.

    Raises:
        FileNotFoundError: There is no such file.

    Example:
        >>> import tempfile, trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/m.keras")
        ...     report = inspect_file(f"{folder}/m.keras")
        >>> report.layers[-1], report.parameters, report.suspicious
        (('out', 'Dense'), 10, [])
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    report = FileReport(str(path), "")
    try:
        if path.suffix in (".h5", ".hdf5"):
            _hdf5(path, report)
        elif path.suffix == ".json":
            _list(path, report)
        elif path.suffix == ".safetensors":
            _safetensors(path, report)
        elif path.is_file() and (said := zipped_text(path, RUN, EXPORT)) is not None:
            _arrays(*said, report)
        else:
            _model(path, report)
    except ModelFileError as error:
        report.suspicious.append(str(error))
    except Exception as error:  # What else damage leads to; this page is for strange files.
        report.suspicious.append(f"It is damaged: {type(error).__name__}: {error}")
    return report


def _model(path: Path, report: FileReport) -> None:
    report.kind = "a model's folder" if path.is_dir() else "a model's archive"
    with opened(path, str(path)) as archive:
        report.facts |= {name: f"{size:,} bytes" for name, size in archive.sizes().items()}
        if METADATA in archive.names():
            said = read_json(archive.read(METADATA), METADATA)
            report.facts |= {str(k): str(v)[:80] for k, v in said.items()}
        _config(read_json(archive.read(CONFIG), CONFIG), report)
        if report.needs:
            graph = GRAPH in archive.names() and json.loads(archive.read(GRAPH)).get("graph")
            report.facts["without what it needs"] = (
                "it loads as its graph" if graph else "it does not load"
            )
        with archive.weights() as file, hdf5(file, "r", str(path)) as weights:
            _weights(datasets(weights, str(path)), report)


def _hdf5(path: Path, report: FileReport) -> None:
    with open(path, "rb", buffering=0) as raw, hdf5(raw, "r", str(path)) as file:
        report.kind = "weights"
        if legacy.is_legacy(file):
            report.kind = "a model or weights in the form of Keras 2"
            text = legacy.text_of(file, "model_config", str(path))
            if text is not None:
                _config(read_json(text, str(path)), report)
            if (said := legacy.text_of(file, "training_config", str(path))) is not None:
                check_values(read_json(said, str(path)), "training_config")
        report.facts["size"] = f"{path.stat().st_size:,} bytes"
        _weights(datasets(file, str(path)), report)


def _list(path: Path, report: FileReport) -> None:
    from trivium.saving import shards

    report.kind = "a list of weight files"
    with shards.opened(path) as files:
        for file, name in files:
            report.facts[Path(name).name] = f"{Path(name).stat().st_size:,} bytes"
            _weights(datasets(file, name), report)


def _safetensors(path: Path, report: FileReport) -> None:
    from trivium.layers import Layer
    from trivium.saving import safetensors

    report.kind = "weights as safetensors"
    report.facts["size"] = f"{path.stat().st_size:,} bytes"
    with safetensors.opened(path, Layer()) as found:
        report.weights |= {name: (one.shape, one.dtype) for name, one in found.items()}


def _arrays(name: str, text: bytes, report: FileReport) -> None:
    """Tell of an exported model, or of the state of a run: arrays of which a text says what they are."""
    said = read_json(text, name)
    if name == EXPORT:
        report.kind, numbers = "an exported model", dict(zip(said["paths"], count(), strict=False))
        report.facts |= {
            f"endpoint {one['name']}": ", ".join(map(str, one["inputs"]))
            for one in said["endpoints"]
        }
    else:
        report.kind = "the state of a run"
        place = dict(said["place"]["dict"])
        report.facts |= {"epoch": str(place["epoch"]), "step": str(place["step"])}
        report.facts["callbacks"] = ", ".join(str(one["tuple"][0]) for one in said["callbacks"])
        numbers = {known: value["array"] for known, value in said["variables"]["dict"]}
    for known, number in numbers.items():
        dtype, shape = said["arrays"][number]
        report.weights[str(known)] = tuple(map(operator.index, shape)), jnp.dtype(dtype).name


def _weights(found: dict[str, Any], report: FileReport) -> None:
    # What stands for another is for Keras alone.
    ones: dict[str, Stored] = {
        name: stored_of(d, report.source)
        for name, d in found.items()
        if attribute(d, "alias") is None
    }
    report.weights |= {name: (one.shape, one.dtype) for name, one in ones.items()}
    report.states += sorted(states_in(found))
    odd = [name for name, one in ones.items() if one.kind not in "fiub"]
    report.suspicious += [f"{name} holds no numbers." for name in odd]


def _config(config: Any, report: FileReport) -> None:
    with code_allowed(safe_mode=False):  # Nothing is made of it, and the code in it is reported.
        checked_config(config, CONFIG)
    report.facts["class"] = str(config["class_name"])
    for entry in _objects(config):
        name = str(entry["class_name"])
        if name == "__lambda__":
            report.suspicious.append(
                "It holds a function as code, which is run with `safe_mode=False` alone."
            )
        elif name == "function":
            if named_function(entry) is None:
                report.needs.append(f"the function {str(entry.get('config'))[:200]!r}")
        elif not knows({**entry, "config": {}}):
            module = entry.get("module")
            report.needs.append(
                f"the class {str(entry.get('registered_name') or name)[:200]!r} of {module!r}"
            )
        said = entry.get("config")
        if isinstance(said, dict) and isinstance(said.get("vocabulary"), str):
            report.suspicious.append(
                f"A {name[:200]} has the name of a file, {said['vocabulary'][:200]!r}, for a vocabulary."
            )
    inner = config.get("config")
    entries = inner.get("layers") if isinstance(inner, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            said = entry.get("config")
            named = said.get("name") if isinstance(said, dict) else None
            name = str(entry.get("name") or named)
            report.layers.append((name, str(entry.get("class_name"))))
            if is_path(name):
                report.suspicious.append(f"A layer has the name {name[:80]!r}, which is a path.")
    report.needs = list(dict.fromkeys(report.needs))
    report.suspicious = list(dict.fromkeys(report.suspicious))


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("class_name"), str):
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
