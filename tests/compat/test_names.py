from __future__ import annotations

import hashlib
import importlib.util
import inspect
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from oracle import recorded

import trivium
from trivium.compat import hints, names

LINES = resources.files("trivium.compat").joinpath("names.txt").read_text().splitlines()


def collector() -> object:
    path = Path(__file__).with_name("collect_names.py")
    spec = importlib.util.spec_from_file_location("collect_names", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("default")
def test_the_names_are_those_of_the_installed_keras() -> None:
    def collected(keras: Any) -> tuple[str, str]:
        return keras.__version__, digest(collector().text(["keras"]).splitlines())  # type: ignore[attr-defined]

    version, wanted = recorded(collected)
    assert version.startswith("3.15.")
    assert digest([line for line in LINES if line.startswith("keras")]) == wanted


def digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow")
@pytest.mark.filterwarnings("default")
def test_the_names_are_those_of_the_installed_tensorflow() -> None:
    text: str = collector().text(["tensorflow"])  # type: ignore[attr-defined]
    assert text.splitlines() == [line for line in LINES if line.startswith("tensorflow")]


def test_second_names() -> None:
    assert "keras.layers.Convolution2D" in names.other_names("keras.layers.Conv2D")
    assert "keras.layers.Conv2D" in names.other_names("keras.layers.Convolution2D")
    assert "tensorflow.reduce_sum" in names.other_names("tensorflow.math.reduce_sum")
    assert names.other_names("keras.no.such") == []


def test_members_are_no_modules() -> None:
    assert "as_list" in names.members("tensorflow.TensorShape")
    assert names.members("keras.NoSuchClass") == []


def test_no_hint_is_about_what_is_covered() -> None:
    def covered(name: str) -> bool:
        found: Any = trivium
        for part in name.split(".")[1:]:
            found = getattr(found, part, None)
        # Of a module it is about the rest of it.
        return found is not None and not inspect.ismodule(found)

    assert covered("keras.Model.fit")
    assert [name for name in hints._HINTS if name.startswith("keras.") and covered(name)] == []
