"""Weight files that are damaged, or something else: one kind of error that names the file, and no weight changed."""

import os
import random
import warnings

import h5py
import numpy as np
import pytest

import trivium as tv
from trivium.saving import ModelFileError


def network():
    return tv.Sequential(
        [
            tv.Input((4,)),
            tv.layers.Dense(5, name="hidden"),
            tv.layers.BatchNormalization(),
            tv.layers.Dense(2),
        ]
    )


MODEL = network()
BEFORE = [w.numpy() for w in MODEL.weights]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "net.weights.h5"
    MODEL.save_weights(path)
    return path.read_bytes()


def load(path, skip_mismatch=False):
    """Load, and say whether the file was taken; a refusal names it and changes nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            MODEL.load_weights(path, skip_mismatch=skip_mismatch)
        except ModelFileError as error:
            assert str(path) in str(error)
            assert all(np.array_equal(a, w) for a, w in zip(BEFORE, MODEL.weights, strict=True))
            return False
    MODEL.set_weights(BEFORE)
    return True


def truncated(chance, data):
    return data[: chance.randrange(len(data))]


def flipped(chance, data):
    changed = bytearray(data)
    for _ in range(chance.choice([1, 4, 64])):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def overwritten(chance, data):
    start = chance.randrange(len(data))
    noise = chance.randbytes(chance.randrange(1, 64))
    return data[:start] + noise + data[start + len(noise) :]


def shortened(chance, data):
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randrange(1, 64) :]


def with_huge_numbers(chance, data):
    start, number = chance.randrange(4096), chance.choice([0, 1 << 40, (1 << 64) - 1])
    return data[:start] + number.to_bytes(8, "little") + data[start + 8 :]


@pytest.mark.parametrize(
    "damage",
    [truncated, flipped, overwritten, shortened, with_huge_numbers],
    ids=lambda d: d.__name__,
)
def test_random_damage(damage, whole, tmp_path):
    path, chance = tmp_path / "bad.weights.h5", random.Random(5)
    taken = []
    for number in range(40):
        path.write_bytes(damage(chance, whole))
        taken.append(load(path, skip_mismatch=bool(number % 2)))
    assert not all(taken)


def an_archive(path):
    with open(path, "wb") as file:
        np.savez(file, kernel=np.ones((4, 5)))


def another_type(path):
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", data=np.array([["a", "b"]] * 4, "S1"))


def a_huge_shape(path):
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/0"]
        file.create_dataset(
            "layers/dense/vars/0", shape=(1 << 40,), dtype="float32", chunks=(1024,)
        )


def a_huge_attribute(path):
    with h5py.File(path, "r+") as file:
        dataset = file["layers/dense/vars/0"]
        dataset.attrs["position"] = np.zeros(8000, "int64")


SPOILED = {
    "nothing": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("weights"),
    "an npz archive": an_archive,
    "another type": another_type,
    "a huge shape": a_huge_shape,
}


@pytest.mark.parametrize("kind", SPOILED)
def test_another_thing_than_a_weight_file(kind, whole, tmp_path):
    path = tmp_path / "other.weights.h5"
    path.write_bytes(whole)
    SPOILED[kind](path)
    assert not load(path)


def test_a_folder_and_no_file(tmp_path):
    folder = tmp_path / "folder.weights.h5"
    folder.mkdir()
    assert not load(folder)
    with pytest.raises(FileNotFoundError, match=r"none\.weights\.h5"):
        MODEL.load_weights(tmp_path / "none.weights.h5")


def test_an_attribute_is_read_only_if_it_is_one_number(whole, tmp_path):
    path = tmp_path / "attribute.weights.h5"
    path.write_bytes(whole)
    a_huge_attribute(path)
    assert load(path), "the names of the datasets tell their places too"


def test_a_file_is_on_the_disk_before_it_takes_its_name(monkeypatch, tmp_path):
    path = tmp_path / "net.weights.h5"
    path.write_bytes(b"before")
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("replace"), replace(a, b)))
    MODEL.save_weights(path)
    assert done == ["fsync", "replace", "fsync"] and load(path)
    assert os.listdir(tmp_path) == [path.name]

    def fail(handle):
        raise OSError("the disk is full")

    whole = path.read_bytes()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="the disk is full"):
        MODEL.save_weights(path)
    assert path.read_bytes() == whole and os.listdir(tmp_path) == [path.name]


def test_archives_that_a_fuzzed_run_stumbled_over(tmp_path):
    """A table of contents with nothing in it; a graph whose weights are numbered by texts."""
    import io
    import json
    import zipfile

    empty = tmp_path / "empty.keras"
    with zipfile.ZipFile(empty, "w"):
        pass
    with pytest.raises(ModelFileError, match=r"empty\.keras has no 'config\.json'"):
        tv.models.load_model(empty)

    class Own(tv.Layer):
        def call(self, x):
            return tv.ops.tanh(x)

    file, odd = io.BytesIO(), tmp_path / "odd.keras"
    tv.Sequential([tv.Input((4,)), Own(), tv.layers.Dense(1)]).save(file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(odd, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "trivium.json":
                said = json.loads(text)
                dense = next(x for x in said["graph"]["config"]["layers"] if x.get("weights"))
                dense["weights"] = ["a", 1]
                text = json.dumps(said)
            new.writestr(name, text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ModelFileError, match="does not number its weights from 0 on"):
            tv.models.load_model(odd)


def test_texts_that_lie_elsewhere_in_a_file_are_not_read(tmp_path):
    """HDF5 hangs on some damaged ones: what a file of ours says of its weights lies within its objects."""
    path = tmp_path / "m.weights.h5"
    MODEL.save_weights(path)
    with h5py.File(path) as file:
        kinds = {
            a.dtype.kind
            for a in map(file["layers/dense/vars/0"].attrs.get_id, ("position", "path"))
        }
    assert kinds == {"i", "S"}
    with h5py.File(path, "a") as file:
        for dataset in [file[f"layers/{layer}/vars/0"] for layer in ("dense", "dense_1")]:
            del dataset.attrs["path"]
            dataset.attrs["path"] = "elsewhere"
            dataset.attrs["alias"] = "elsewhere"
    before = MODEL.weights_sha256()
    MODEL.load_weights(path)
    assert MODEL.weights_sha256() == before
