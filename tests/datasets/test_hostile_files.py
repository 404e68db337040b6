"""Files are data: whatever a dataset's file asks for, nothing runs."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trivium import datasets
from trivium.datasets._npz import read_npz
from trivium.datasets._unpickle import unpickle

CIFAR100 = ("cifar-100-python.tar.gz", "cifar-100-python-target_archive")
CIFAR100_MEMBERS = ("cifar-100-python/train", "cifar-100-python/test")


class Bomb:
    """Makes a folder when a pickle of it is read in the ordinary way."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def test_the_bomb_of_these_tests_goes_off_where_pickles_are_trusted(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("module", ["imdb", "reuters", "mnist", "boston_housing"])
def test_a_bomb_in_an_npz_does_not_go_off(cache, tmp_path, module):
    marker = tmp_path / "marker"
    bomb = np.array([Bomb(marker)], object)
    names = ["x", "y", "x_train", "y_train", "x_test", "y_test"]
    path = cache.put_npz(f"{module}.npz", **dict.fromkeys(names, bomb))
    with pytest.raises(ValueError, match=f"asks for `{os.mkdir.__module__}.mkdir`, which") as error:
        getattr(datasets, module).load_data()
    assert str(path) in str(error.value)
    assert not marker.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_bomb_in_a_tar_does_not_go_off(cache, tmp_path, protocol):
    marker = tmp_path / "marker"
    content = pickle.dumps({b"data": Bomb(marker), b"fine_labels": []}, protocol)
    cache.put_tar(*CIFAR100, dict.fromkeys(CIFAR100_MEMBERS, content))
    with pytest.raises(ValueError, match=r"'cifar-100-python/train' of .* was not loaded"):
        datasets.cifar100.load_data()
    assert not marker.exists()


@pytest.mark.parametrize(
    "wanted",
    [
        "os.system",
        "builtins.eval",
        "builtins.getattr",
        "numpy.load",
        "numpy._core.multiarray.scalar",
    ],
)
def test_no_other_name_is_admitted(wanted):
    module, _, name = wanted.rpartition(".")
    raw = f"c{module}\n{name}\n.".encode()
    with pytest.raises(ValueError, match=f"asks for `{wanted}`, which is not data"):
        unpickle(io.BytesIO(raw), "x")


def forged_dtype(state: bytes, code: bytes = b"V8") -> bytes:
    """Pickle an array whose dtype carries a state of the test's choice."""
    empty = b"cnumpy\nndarray\n(K\0\x85U\x01btR"
    dtype = b"cnumpy\ndtype\n(U" + bytes([len(code)]) + code + b"K\0K\1tR" + state + b"b"
    return b"\x80\x02" + empty + b"(K\1K\1\x85" + dtype + b"\x89U\x08" + b"A" * 8 + b"tb."


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        # Bytes that a forged dtype would make NumPy take for the address of an object.
        (forged_dtype(b"(K\3U\1|NU\1aNK\x08K\1K\0t"), "an array of the type 'V8'"),
        (forged_dtype(b"(K\3U\1|N(U\1at}NK\x08K\1K\0t", b"u8"), "an array with fields"),
        (forged_dtype(b"(K\3U\1ONNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ft", b"u8"), "'O'"),
        (forged_dtype(b"(K\3U\2O,NNNK\0K\0K\0t", b"u8"), "'O,'"),
        (forged_dtype(b"(K\3U\1|NNNK\0K\0K\x3ft", b"O8"), "was not loaded"),
        (b"\x80\x02cnumpy\nndarray\n(tR.", "an array without content"),
        (b"\x80\x02cnumpy\nndarray\n}U\1aK\1sb.", "was not loaded"),
    ],
)
def test_forged_arrays_are_refused(raw, reason):
    with pytest.raises(ValueError, match=r"^x was not loaded") as error:
        unpickle(io.BytesIO(raw), "x")
    assert reason in str(error.value)


def test_a_cut_off_pickle_is_refused_wherever_it_is_cut():
    raw = pickle.dumps(np.array([[1, 2], [3]], object), protocol=4)
    for end in range(len(raw)):
        with pytest.raises(ValueError, match=r"^x was not loaded"):
            unpickle(io.BytesIO(raw[:end]), "x")


@pytest.mark.parametrize("dtype", ["u1", "<i4", ">i4", "<f8", ">f8", "?"])
@pytest.mark.parametrize("protocol", [3, 4])
def test_honest_arrays_pass(dtype, protocol):
    array = np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype))
    ragged = np.array([[1, 2], [3]], object)
    read = unpickle(io.BytesIO(pickle.dumps({"a": array, "b": ragged}, protocol)), "x")
    np.testing.assert_array_equal(read["a"], array, strict=True)
    assert read["b"].tolist() == [[1, 2], [3]] and read["b"].dtype == object


def test_arrays_within_an_object_array_pass():
    inner = np.fromiter([np.arange(2), np.arange(3)], object, 2)
    read = unpickle(io.BytesIO(pickle.dumps(inner, 4)), "x")
    assert [a.tolist() for a in read] == [[0, 1], [0, 1, 2]]


def npy(shape: tuple[int, ...], descr: str, content: bytes, version: int = 1) -> bytes:
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (npy((10**15,), "<f8", b"\0" * 16), "declares 8,000,000,000,000,000 bytes of float64"),
        (npy((1,), "<f8", b"\0" * 16), "declares 8 bytes of float64 and stores 16"),
        (npy((2,), "|O", pickle.dumps([1, 2])), "is declared as an array of shape (2,) and is not"),
        (npy((3,), "|O", pickle.dumps(np.array([[1], [2, 3]], object), 4)), "shape (3,)"),
        (b"not numpy at all", "is not in NumPy's format"),
        (npy((1,), "__import__('os')", b"\0"), "is not in NumPy's format"),
    ],
)
def test_npz_members_that_lie_are_refused(tmp_path, content, reason):
    path = tmp_path / "data.npz"
    path.write_bytes(zipped("x.npy", content))
    with pytest.raises(ValueError) as error:
        read_npz(path, "x")
    assert reason in str(error.value) and f"'x' of {path}" in str(error.value)


def test_records_that_hold_objects_are_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=np.zeros(2, [("a", object)]))
    with pytest.raises(ValueError, match="stores"):
        read_npz(path, "x")


@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_of_the_format_are_read(tmp_path, version):
    path = tmp_path / "data.npz"
    path.write_bytes(zipped("x.npy", npy((2,), "<i2", b"\1\0\2\0", version)))
    (read,) = read_npz(path, "x")
    assert read.tolist() == [1, 2] and read.flags.writeable


def test_an_npz_in_fortran_order_is_read(tmp_path):
    path = tmp_path / "data.npz"
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.savez(path, x=array)
    np.testing.assert_array_equal(read_npz(path, "x")[0], array, strict=True)


def test_damaged_archives_are_named(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=np.zeros(100, "u1"))
    stored = bytearray(path.read_bytes())
    for content in (b"", b"PK\3\4 no zip", stored[:-30]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is damaged"):
            read_npz(path, "x")
    stored[200] ^= 1
    path.write_bytes(stored)
    with pytest.raises(ValueError, match="is damaged: Bad CRC-32"):
        read_npz(path, "x")


def test_a_missing_array_is_named(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=np.arange(9))
    with pytest.raises(ValueError, match=r"'y' of .* is missing; the file has \['x.npy'\]"):
        read_npz(path, "x", "y")


def test_cifar_archives_without_batches_are_named(cache):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("cifar-100-python/train")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    cache.put(CIFAR100[0], file.getvalue(), CIFAR100[1])
    with pytest.raises(ValueError, match="has no file 'cifar-100-python/train'"):
        datasets.cifar100.load_data()
    cache.put(CIFAR100[0], b"no tar", CIFAR100[1])
    with pytest.raises(ValueError, match="is damaged"):
        datasets.cifar100.load_data()


def test_a_batch_without_images_is_named(cache):
    content = b"\x80\x02}U\x06labels]s."
    cache.put_tar(*CIFAR100, dict.fromkeys(CIFAR100_MEMBERS, content))
    with pytest.raises(ValueError, match="is not a batch of images and 'fine_labels'"):
        datasets.cifar100.load_data()
