from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from arrays import told

from trivium.datasets import fashion_mnist

FOLDER = Path(str(fashion_mnist._FOLDER))


def test_the_arrays_are_the_published_ones():
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert y_train.shape == (60000,) and y_test.shape == (10000,)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert int(x_train.sum(dtype="int64")) == 3_431_114_169
    assert int(x_test.sum(dtype="int64")) == 573_469_082
    assert np.bincount(y_train).tolist() == [6000] * 10
    assert np.bincount(y_test).tolist() == [1000] * 10
    assert y_train[:5].tolist() == [9, 0, 0, 3, 0] and y_test[:5].tolist() == [9, 2, 1, 1, 6]


def test_the_arrays_are_those_of_the_real_keras(cache, oracle):
    shutil.copytree(FOLDER, cache.folder / "fashion-mnist")
    assert told(fashion_mnist.load_data()) == oracle("fashion_mnist")


def test_each_call_returns_arrays_of_its_own():
    (x, y), _ = fashion_mnist.load_data()
    first = x[0].copy()
    x[:] = 0
    y[:] = 0
    (again, labels), _ = fashion_mnist.load_data()
    assert np.array_equal(again[0], first) and labels[0] == 9


def test_class_names():
    assert len(fashion_mnist.CLASS_NAMES) == 10
    assert fashion_mnist.CLASS_NAMES[9] == "Ankle boot"
    assert fashion_mnist.CLASS_NAMES[0] == "T-shirt/top"


@pytest.mark.parametrize("name", sorted(fashion_mnist._SHA256))
def test_a_damaged_file_is_named(name, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    damaged = copy / f"{name}-ubyte.gz"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    monkeypatch.setattr(fashion_mnist, "_FOLDER", copy)
    with pytest.raises(ValueError, match="is damaged") as error:
        fashion_mnist.load_data()
    assert str(damaged) in str(error.value)
    assert hashlib.sha256(content).hexdigest() in str(error.value)
    assert "Install trivium anew" in str(error.value)


def test_the_license_lies_beside_the_files():
    text = (FOLDER / "LICENSE").read_text()
    assert text.startswith("MIT License") and "Copyright (c) 2017 Zalando SE" in text


def test_importing_the_datasets_imports_neither_jax_nor_rich():
    package = Path(fashion_mnist.__file__).parents[1]
    program = f"""
import sys, types
parent = types.ModuleType("trivium")
parent.__path__ = [{str(package)!r}]
sys.modules["trivium"] = parent
from trivium.datasets import *
print(sorted({{"jax", "rich"}} & set(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
