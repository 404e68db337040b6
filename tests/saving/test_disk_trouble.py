"""Trouble with the disk: whatever happens while a file is written, there is a whole one, and the error names it."""

import contextlib
import errno
import os
import signal
import zlib

import h5py
import numpy as np
import pytest

import trivium as tv
from trivium.saving import durable, region
from trivium.saving.durable import durable as durable_file
from trivium.training.run_state import Place, RunState


def network(value=0.0):
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, name="d")], name="net")
    model.set_weights([np.full(w.shape, value, "float32") for w in model.weights])
    return model


OLD, NEW = network(1.0), network(2.0)
KINDS = {
    "m.keras": (lambda model, path: model.save(path), tv.models.load_model),
    "m.weights.h5": (
        lambda model, path: model.save_weights(path),
        lambda path: _with_weights(path),
    ),
}


def _with_weights(path):
    model = network()
    model.load_weights(path)
    return model


EACH = pytest.mark.parametrize("name", KINDS)


class Crash(OSError):
    """The process is gone: nothing that it would write comes any more."""


def crashing_after(monkeypatch, count, how):
    """Let the disk take `count` more bytes, in whatever pieces they come."""
    left = [count]
    real = region.Region._put

    def put(self, view):
        taken = min(len(view), left[0])
        left[0] -= taken
        real(self, view[:taken])
        if taken < len(view):
            raise how

    monkeypatch.setattr(region.Region, "_put", put)
    return left


def length_of(name, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        left = crashing_after(patch, 1 << 40, Crash())
        KINDS[name][0](NEW, tmp_path / name)
        return (1 << 40) - left[0]


@EACH
def test_a_crash_at_any_byte_of_the_write_leaves_the_old_file(name, tmp_path, monkeypatch):
    save, load = KINDS[name]
    path = tmp_path / name
    total = length_of(name, tmp_path, monkeypatch)
    save(OLD, path)
    before = path.read_bytes()
    for count in range(0, total, max(1, total // 60)):
        with monkeypatch.context() as patch:
            crashing_after(patch, count, Crash())
            patch.setattr(durable.Path, "unlink", lambda *a, **k: None)  # Nobody cleans up.
            with pytest.raises(Crash):
                save(NEW, path)
        assert path.read_bytes() == before
    assert load(path).weights_sha256() == OLD.weights_sha256()
    save(NEW, path)
    assert load(path).weights_sha256() == NEW.weights_sha256()


@EACH
def test_a_full_disk_is_said_with_the_files_name_and_leaves_nothing(name, tmp_path, monkeypatch):
    save, _ = KINDS[name]
    path = tmp_path / name
    total = length_of(name, tmp_path, monkeypatch)
    save(OLD, path)
    before = path.read_bytes()
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for count in (0, 10, total // 2, total - 1):
        with monkeypatch.context() as patch:
            crashing_after(patch, count, full)
            with pytest.raises(
                OSError, match=rf"{name} could not be written: No space left.*unchanged"
            ) as caught:
                save(NEW, path)
        assert caught.value.errno == errno.ENOSPC
        assert path.read_bytes() == before and os.listdir(tmp_path) == [name]


@EACH
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_last_step_leaves_the_old_file(name, step, tmp_path, monkeypatch):
    save, _ = KINDS[name]
    path = tmp_path / name
    save(OLD, path)
    before = path.read_bytes()

    def fail(*args):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(durable.os, step, fail)
        with pytest.raises(OSError, match=rf"{name} could not be written: Input/output error"):
            save(NEW, path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [name]


@EACH
def test_what_is_moved_is_on_the_disk_before_and_the_folder_after(name, tmp_path, monkeypatch):
    seen = []
    real = os.fsync, os.replace

    def fsync(handle):
        seen.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        real[0](handle)

    def replace(*args):
        seen.append("moved")
        real[1](*args)

    monkeypatch.setattr(durable.os, "fsync", fsync)
    monkeypatch.setattr(durable.os, "replace", replace)
    KINDS[name][0](NEW, tmp_path / name)
    assert seen == ["file", "moved", "folder"]


@EACH
def test_a_folder_that_is_a_file_or_has_vanished(name, tmp_path, monkeypatch):
    save, _ = KINDS[name]
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=rf"{name} could not be written: "):
        save(NEW, tmp_path / "file" / name)
    folder = tmp_path / "gone"
    said = pytest.raises(
        FileNotFoundError, match=r"gone.* could not be written: .*Nothing is there"
    )
    with said, durable_file(folder / name) as part:
        part.write_bytes(b"x")
        part.unlink()
        folder.rmdir()


@pytest.mark.skipif(os.name == "posix" and os.getuid() == 0, reason="root writes anywhere")
@EACH
def test_a_folder_that_is_read_only(name, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match=rf"{name} could not be written: Permission denied"):
        KINDS[name][0](NEW, tmp_path / name)


def test_a_folder_of_a_model_is_replaced_as_a_whole(tmp_path, monkeypatch):
    OLD.save(tmp_path / "m", zipped=False)
    with monkeypatch.context() as patch:
        crashing_after(patch, 300, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(OSError, match="No space left"):
            NEW.save(tmp_path / "m", zipped=False)
    assert tv.models.load_model(tmp_path / "m").weights_sha256() == OLD.weights_sha256()
    NEW.save(tmp_path / "m", zipped=False)
    assert tv.models.load_model(tmp_path / "m").weights_sha256() == NEW.weights_sha256()
    assert os.listdir(tmp_path) == ["m"]


@EACH
def test_no_truncated_file_is_taken(name, tmp_path):
    save, load = KINDS[name]
    path = tmp_path / name
    save(NEW, path)
    whole = path.read_bytes()
    for end in range(0, len(whole), max(1, len(whole) // 80)):
        path.write_bytes(whole[:end])
        with pytest.raises(tv.saving.ModelFileError, match=name):
            load(path)


@pytest.mark.parametrize("units", [3, 2000], ids=["small", "in chunks"])
@pytest.mark.parametrize("name", KINDS)
def test_a_flipped_bit_is_an_error_or_changes_nothing(name, units, tmp_path):
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(units, name="d")], name="net")
    path = tmp_path / name
    KINDS[name][0](model, path)
    whole, wanted = path.read_bytes(), model.weights_sha256()
    twin = tv.models.clone_model(model)
    chance = np.random.default_rng(units)
    for at in chance.integers(len(whole), size=150):
        changed = bytearray(whole)
        changed[at] ^= 1 << int(chance.integers(8))
        path.write_bytes(changed)
        try:
            if name == "m.keras":
                other = tv.models.load_model(path)
            else:
                other = twin
                other.load_weights(path)
        except tv.saving.ModelFileError as error:
            assert name in str(error)
        else:
            assert other.weights_sha256() == wanted


@pytest.mark.parametrize("units", [100, 9000], ids=["by HDF5", "past HDF5"])
def test_the_numbers_have_checksums_of_hdf5_which_any_reader_checks(units, tmp_path):
    path = tmp_path / "m.weights.h5"
    model = tv.Sequential([tv.Input((40,)), tv.layers.Dense(units)])
    model.save_weights(path)
    with h5py.File(path) as file:
        kernel = file["layers/dense/vars/0"]
        assert kernel.fletcher32
        assert kernel.attrs["crc32"] == zlib.crc32(kernel[()])
        at = kernel.id.get_chunk_info(kernel.id.get_num_chunks() - 1).byte_offset
    before = model.weights_sha256()
    whole = path.read_bytes()
    with h5py.File(path, "r+") as file:  # Who changes them by HDF5 has changed its sum.
        file["layers/dense/vars/0"][0, 0] = 7
    model.load_weights(path)
    assert model.layers[0].kernel.numpy()[0, 0] == 7
    path.write_bytes(whole)
    model.load_weights(path)
    assert model.weights_sha256() == before
    data = bytearray(whole)
    data[at + 7] ^= 4
    path.write_bytes(data)
    with (
        h5py.File(path) as file,
        pytest.raises(OSError, match="filter returned failure"),
    ):
        file["layers/dense/vars/0"][()]
    with pytest.raises(tv.saving.ModelFileError, match=r"m\.weights\.h5.*vars/0.*cannot be read"):
        model.load_weights(path)
    assert model.weights_sha256() == before
    path.write_bytes(data[: at + 999])
    with pytest.raises(tv.saving.ModelFileError, match=r"m\.weights\.h5"):
        model.load_weights(path)


def test_large_numbers_with_right_checksums_are_read_without_hdf5(monkeypatch, tmp_path):
    model = tv.Sequential([tv.Input((40,)), tv.layers.Dense(9000)])
    model.save_weights(tmp_path / "m.weights.h5")
    model.save(tmp_path / "m.keras")
    asked = []
    real = h5py.Dataset.read_direct
    monkeypatch.setattr(
        h5py.Dataset,
        "read_direct",
        lambda self, value: asked.append(self.name) or real(self, value),
    )
    model.load_weights(tmp_path / "m.weights.h5")
    other = tv.models.load_model(tmp_path / "m.keras")
    assert other.weights_sha256() == model.weights_sha256()
    assert not [name for name in asked if name.endswith("vars/0")]


@contextlib.contextmanager
def files_of_at_most(size):
    """Have the system refuse to let a file grow further, as it does where the disk is full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)


WRITERS = {
    "m.safetensors": ("safetensors", lambda path: NEW.save_weights(path)),
    "m.stablehlo": ("flatbuffers", lambda path: NEW.export(path, verbose=False)),
    "m.run": ("numpy", lambda path: RunState(Place(), 0, {"a": np.ones(99)}, 7, 3).write(path)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_grow_is_named_and_the_old_one_stays(name, tmp_path):
    needed, write = WRITERS[name]
    pytest.importorskip(needed)
    path = tmp_path / name
    path.write_bytes(b"old")
    with (
        pytest.raises(OSError, match=rf"{name} could not be written: File too large\. ") as caught,
        files_of_at_most(64),
    ):
        write(path)
    assert caught.value.errno == errno.EFBIG
    assert "unchanged" in str(caught.value) and path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [name]
