"""By what a file is named: paths of all kinds, open files, and what is neither."""

import io
import os
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import trivium as tv
from trivium.saving import ModelFileError


def network(value):
    model = tv.Sequential([tv.Input((3,)), tv.layers.Dense(2, name="d")])
    model.set_weights([np.full(w.shape, value) for w in model.weights])
    return model


ONES = network(1.0)
SHA = ONES.weights_sha256()


class Named:
    """A path of somebody's own."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ONES.save("m.keras")
    ONES.save("m", zipped=False)
    ONES.save_weights("m.weights.h5")
    return tmp_path


@pytest.mark.parametrize("kind", [str, Path, Named, lambda p: Path(p).absolute()])
def test_paths(kind):
    ONES.save(kind("a.keras"))
    ONES.save_weights(kind("a.weights.h5"))
    assert tv.models.load_model(kind("a.keras")).weights_sha256() == SHA
    for name in ("a.weights.h5", "a.keras", "m", "m.weights.h5"):
        model = network(0.0)
        model.load_weights(kind(name))  # As in Keras, those of a whole model, too.
        assert model.weights_sha256() == SHA


@pytest.mark.parametrize("mode", ["wb", "w+b", "memory"])
@pytest.mark.parametrize("what", ["model", "weights"])
def test_open_files(mode, what):
    with io.BytesIO() if mode == "memory" else open("any", mode) as file:
        ONES.save(file) if what == "model" else ONES.save_weights(file)
        file.flush()
        content = file.getvalue() if mode == "memory" else Path("any").read_bytes()
    Path("again").write_bytes(content)
    for opened in (io.BytesIO(content), io.FileIO("again")):
        with opened as file:
            if what == "model":
                assert tv.models.load_model(file).weights_sha256() == SHA
            model = network(0.0)
            model.load_weights(file)
            assert model.weights_sha256() == SHA


@pytest.mark.parametrize("mode", ["wb", "w+b", "ab", "a+b", "memory"])
@pytest.mark.parametrize("what", ["model", "weights"])
def test_open_files_are_written_and_read_where_they_stand(mode, what):
    head = b"head" * 300
    Path("any").write_bytes(b"" if mode[0] == "w" else head)
    with io.BytesIO() if mode == "memory" else open("any", mode) as file:
        if mode[0] != "a":
            file.write(head)
        ONES.save(file) if what == "model" else ONES.save_weights(file)
        file.write(b"tail")
        file.flush()
        content = file.getvalue() if mode == "memory" else Path("any").read_bytes()
    assert content.startswith(head) and content.endswith(b"tail")
    assert len(content) > len(head) + 1000
    Path("again").write_bytes(content)
    for opened in (io.BytesIO(content), io.FileIO("again")):
        with opened as file:
            file.seek(len(head))
            model = network(0.0)
            model.load_weights(file)
            assert model.weights_sha256() == SHA
            if what == "model":
                file.seek(len(head))
                assert tv.models.load_model(file).weights_sha256() == SHA
    if what == "model":  # What else reads zips finds one behind something else, too.
        assert "config.json" in zipfile.ZipFile("again").namelist()


@pytest.mark.parametrize("what", ["model", "weights"])
def test_what_stood_behind_is_cut_off(what):
    file = io.BytesIO(b"old" * 40_000)
    ONES.save(file) if what == "model" else ONES.save_weights(file)
    assert len(file.getvalue()) < 100_000
    assert file.tell() == len(file.getvalue())
    model = network(0.0)
    model.load_weights(file)  # From its start, though it stands at its end.
    assert model.weights_sha256() == SHA


def test_what_cannot_be_saved_leaves_an_open_file_as_it_is():
    class Elsewhere(tv.Layer):
        def build(self, shape):
            self.kept = self.add_weight(shape=(1,))

        def call(self, x):
            return x

        @property
        def weights(self):
            return [*super().weights, tv.Variable([0.0], name="lost")]

    model = Elsewhere()
    model.build((None, 3))
    file = io.BytesIO(b"old")
    with pytest.raises(ValueError, match="cannot be saved"):
        tv.saving.save_weights(model, file)
    assert file.getvalue() == b"old"


@pytest.mark.filterwarnings("ignore:.*older form")
def test_the_older_form_is_known_by_its_content():
    ONES.save("m.h5")
    os.rename("m.h5", "other")
    assert tv.models.load_model("other").weights_sha256() == SHA
    with open("other", "rb") as file:
        assert tv.models.load_model(file).weights_sha256() == SHA


READ, WRITE = ("load_model", "load_weights"), ("save", "save_weights")


@pytest.mark.parametrize("method", READ + WRITE)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, r"by its path .* got NoneType: None"),
        (3, "got int: 3"),
        (["m.keras"], "got list"),
        (b"m.keras", r"io.BytesIO.content.*os.fsdecode"),
        (lambda: h5py.File("h", "w"), r"got File: .*Close that file, and pass its path"),
        ("", "The path of the file is empty"),
        (lambda: io.TextIOWrapper(io.FileIO("m.keras")), "m.keras is open .*open it in the mode"),
        (lambda: io.StringIO(), r"the file is open for something else: open it in the mode"),
    ],
)
def test_what_is_no_file(method, given, said):
    given = given() if callable(given) else given
    with pytest.raises((TypeError, ValueError), match=said):
        tv.models.load_model(given) if method == "load_model" else getattr(ONES, method)(given)
    if hasattr(given, "close"):
        given.close()


def test_what_is_open_for_something_else():
    with open("m.keras", "rb") as file:
        for save in (ONES.save, ONES.save_weights):
            with pytest.raises(ValueError, match="open in the mode 'rb': open it in the mode 'wb'"):
                save(file)
        with pytest.raises(ValueError, match="a folder, which goes to a path"):
            ONES.save(io.BytesIO(), zipped=False)
        with pytest.raises(ValueError, match="several files, which go to a path"):
            ONES.save_weights(io.BytesIO(), max_shard_size=1)
    with (
        open("new", "wb") as file,
        pytest.raises(ValueError, match="'wb': open it in the mode 'rb'"),
    ):
        ONES.load_weights(file)
    assert tv.models.load_model("m.keras").weights_sha256() == SHA
    source, sink = (os.fdopen(n, mode) for n, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    with source, sink, pytest.raises(ValueError, match=r"io.BytesIO\(stream.read\(\)\)"):
        tv.models.load_model(source)


def test_no_folder_with_other_things_is_replaced(folder):
    for name in ("a.keras", "a.weights.h5"):
        (folder / name).mkdir()
        (folder / name / "notes.txt").write_text("whole")
        with pytest.raises(IsADirectoryError, match=f"{name} could not be written: a folder is"):
            ONES.save(name) if name == "a.keras" else ONES.save_weights(name)
        assert os.listdir(name) == ["notes.txt"]
    with pytest.raises(
        FileExistsError, match=r"other things than a saved model, 'notes.txt' among"
    ):
        ONES.save("a.keras", zipped=False)
    ONES.save("m", zipped=False)  # A model's is.
    assert sorted(os.listdir(folder)) == ["a.keras", "a.weights.h5", "m", "m.keras", "m.weights.h5"]


@pytest.mark.parametrize(
    ("load", "name", "said"),
    [
        ("load_model", "mm", "There is no model mm."),
        ("load_model", "other/m.keras", "There is no model other/m.keras."),
        ("load_model", "m.kers", "There is no model m.kers. Did you mean 'm.keras'?"),
        (
            "load_weights",
            "m.weigths.h5",
            "no weight file m.weigths.h5. Did you mean 'm.weights.h5'",
        ),
    ],
)
def test_a_file_that_is_not_there_has_neighbors(load, name, said):
    with pytest.raises(FileNotFoundError, match=re.escape(said)):
        tv.models.load_model(name) if load == "load_model" else ONES.load_weights(name)
    os.remove("m.weights.h5")
    with open("whole.keras", "wb") as file:
        ONES.save(file)
    with pytest.raises(FileNotFoundError, match=r"no model whole. Did you mean 'whole.keras'"):
        tv.models.load_model("whole")


def test_no_weight_is_changed_by_an_archive_that_is_damaged():
    content = bytearray(Path("m.keras").read_bytes())
    place = content.index(np.ones(6, "float32").tobytes())
    content[place] ^= 1
    model = network(0.0)
    before = model.weights_sha256()
    with pytest.raises(ModelFileError, match="the file is damaged: the checksum of"):
        model.load_weights(io.BytesIO(bytes(content)))
    assert model.weights_sha256() == before
