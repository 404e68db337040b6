"""`KerasFileEditor`: weight files, looked at and edited."""

from __future__ import annotations

import tempfile
import warnings

import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium.saving import KerasFileEditor, ModelFileError


def stack(lib, *units, kind="Dense"):
    layers = [getattr(lib.layers, kind)(n) for n in units]
    return lib.Sequential([lib.Input((3,)), *layers])


@pytest.fixture
def path(tmp_path):
    stack(tv, 4, 2).save_weights(tmp_path / "m.weights.h5")
    return tmp_path / "m.weights.h5"


def test_a_comparison_says_what_keras_says():
    def compared(lib):
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras's own, of NumPy.
            stack(lib, 4, 2).save_weights(f"{folder}/m.weights.h5")
            editor = lib.saving.KerasFileEditor(f"{folder}/m.weights.h5")
        others = [stack(lib, 4, 2), stack(lib, 4, 3, 3), stack(lib, 4)]
        found = [editor.compare(other) for other in others]
        return [(one["status"], one["error_count"]) for one in found]

    ours, theirs = both(compared)
    assert [tuple(x) for x in ours] == [tuple(x) for x in theirs]


def test_a_comparison_counts_weights_and_names_what_differs(path, capsys):
    editor = KerasFileEditor(path)
    assert editor.compare(stack(tv, 4, 2))["match_count"] == 4
    assert editor.compare(stack(tv, 4, 3, 3)) == {
        "status": "error",
        "error_count": 3,
        "match_count": 2,
    }
    said = capsys.readouterr().out
    assert "'layers/dense_1/0' has shape (4, 2) in the file, (4, 3) in the model" in said
    assert "lacks the object 'layers/dense_2'" in said


def test_an_edited_file_fits_the_model_that_changed(path, tmp_path, capsys):
    editor = KerasFileEditor(path)
    editor.rename_object("dense_1", "dense_2")
    editor.add_object("layers/dense_1", {"0": np.eye(4), "1": np.zeros(4)})
    editor.delete_weight("layers/dense", "1")
    editor.add_weights("dense", {"1": np.ones(4)})
    editor.summary()
    assert "├─ dense_1\n" not in capsys.readouterr().out.split("dense_2")[0]
    model = stack(tv, 4, 4, 2)
    assert editor.compare(model)["status"] == "success"
    editor.save(tmp_path / "new.weights.h5")
    model.load_weights(tmp_path / "new.weights.h5")
    before = stack(tv, 4, 2)
    before.load_weights(path)
    for mine, wanted in [
        (model.weights[0], before.weights[0]),
        (model.weights[1], np.ones(4)),
        (model.weights[2], np.eye(4)),
        (model.weights[4], before.weights[2]),
    ]:
        np.testing.assert_array_equal(mine, wanted)
    # Nothing of the first file has changed, and what was written can be edited again.
    assert KerasFileEditor(path).compare(before)["status"] == "success"
    again = KerasFileEditor(tmp_path / "new.weights.h5")
    again.delete_object("dense_1")
    again.rename_object("layers/dense_2", "dense_1")
    again.resave_weights(tmp_path / "old.weights.h5")
    assert KerasFileEditor(tmp_path / "old.weights.h5").compare(before)["status"] == "success"


def test_whole_models_nested_shared_and_halved(tmp_path):
    x = tv.Input((3,))
    shared = tv.layers.Dense(3, dtype="bfloat16", name="shared")
    inner = tv.Sequential([tv.Input((3,)), shared, tv.layers.BatchNormalization()])
    model = tv.Model(x, [shared(x), tv.layers.Dropout(0.5)(inner(x))])
    model.compile("adam", "mse")
    model.fit(np.ones((2, 3)), [np.ones((2, 3))] * 2, verbose=0)
    model.save(tmp_path / "m.keras")
    editor = KerasFileEditor(tmp_path / "m.keras")
    assert editor.compare(model)["status"] == "success"
    editor.save(tmp_path / "m.weights.h5")
    again = tv.models.clone_model(model)
    again.load_weights(tmp_path / "m.weights.h5")
    assert again.weights_sha256() == model.weights_sha256()


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda e: e.rename_object("dense", "dense_1"), "has an object 'layers/dense_1' already"),
        (lambda e: e.rename_object("dense", "layers/a"), "the last part of its path alone"),
        (lambda e: e.delete_object("denze"), r"no object 'denze'. Did you mean 'dense'"),
        (lambda e: e.add_object("layers/dense", {}), "already"),
        (lambda e: e.add_object("layer/new", {}), r"no 'layer' to put 'new' into. Did you mean"),
        (lambda e: e.add_object("layers/new", {"0": "no"}), "arrays of numbers"),
        (lambda e: e.add_weights("dense", {"0": np.ones(2)}), r"\['0'\] already"),
        (lambda e: e.delete_weight("dense", "7"), r"no weight '7'; it has \['0', '1'\]"),
        (lambda e: e.save("m.h5"), "ends in `.weights.h5`"),
    ],
)
def test_a_wrong_edit_is_an_error_and_changes_nothing(path, edit, says):
    editor = KerasFileEditor(path)
    with pytest.raises(ValueError, match=says):
        edit(editor)
    assert editor.compare(stack(tv, 4, 2))["match_count"] == 4


def test_of_two_objects_of_a_name_the_path_says_which(tmp_path):
    block = tv.Sequential([tv.Input((3,)), tv.layers.Dense(3)])
    tv.Sequential([block, tv.layers.Dense(1)]).save_weights(tmp_path / "m.weights.h5")
    editor = KerasFileEditor(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="2 objects called 'dense'"):
        editor.delete_object("dense")
    editor.delete_object("layers/dense")
    assert editor.compare(tv.Sequential([block]))["status"] == "success"


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        KerasFileEditor(tmp_path / "none.keras")
    with pytest.raises(ValueError, match=r"\.keras"):
        KerasFileEditor(tmp_path / "m.txt")
    (tmp_path / "bad.weights.h5").write_bytes(b"no HDF5")
    with pytest.raises(ModelFileError, match=r"bad\.weights\.h5"):
        KerasFileEditor(tmp_path / "bad.weights.h5")
