"""What `trivium inspect` says of files, harmless and hostile, without loading them."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

import trivium as tv
from trivium.cli import main
from trivium.saving import inspect_file


class Own(tv.Layer):
    def call(self, x):
        return tv.ops.tanh(x)


def network(*more):
    layers = [tv.layers.Dense(3, name="first"), *more]
    model = tv.Sequential([tv.Input((4,), name="in"), *layers], name="net")
    model.compile("adam", "mse")
    return model


@pytest.fixture
def path(tmp_path):
    network().save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def with_config(path, change):
    """Change the config in an archive."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    with zipfile.ZipFile(path, "w") as new:
        for name, content in {**parts, "config.json": json.dumps(config)}.items():
            new.writestr(name, content)


def test_a_model(path, monkeypatch):
    monkeypatch.setattr(tv.Layer, "__init__", None)  # Nothing is made.
    report = inspect_file(path)
    assert report.layers == [("in", "InputLayer"), ("first", "Dense")]
    assert report.weights["layers/dense/vars/0"] == ((4, 3), "float32")
    assert report.parameters == 15 and not report.needs and not report.suspicious
    text = str(report)
    for part in (
        "m.keras: a model's archive",
        "keras_version: 3.15",
        "15 parameters",
        "needs:\n  nothing",
    ):
        assert part in text


def test_what_it_needs(tmp_path):
    def act(x):
        return x

    network(Own(name="own"), tv.layers.Dense(2, activation=act)).save(tmp_path / "m.keras")
    report = inspect_file(tmp_path / "m.keras")
    assert any("'Own'" in need for need in report.needs)
    assert any("'act'" in need for need in report.needs)
    assert report.facts["without what it needs"] == "it loads as its graph"


def test_code_is_reported_and_not_run(path):
    def change(config):
        code = {"class_name": "__lambda__", "config": {"code": "!"}}
        config["config"]["layers"][1]["config"]["activation"] = code

    with_config(path, change)
    assert "as code" in inspect_file(path).suspicious[0]


def test_names_that_speak_to_terminals_are_written_plainly(path):
    def change(config):
        config["config"]["layers"][1]["class_name"] = "\x1b[2JDense"

    with_config(path, change)
    assert "\x1b" not in str(inspect_file(path))
    assert "?[2JDense" in str(inspect_file(path))


def test_weights_of_each_kind(tmp_path):
    model = network()
    model.save_weights(tmp_path / "m.weights.h5")
    model.save_weights(tmp_path / "m.safetensors")
    model.save_weights(tmp_path / "m.weights.json", max_shard_size=1)
    for name in ("m.weights.h5", "m.safetensors", "m.weights.json"):
        report = inspect_file(tmp_path / name)
        assert report.parameters == 15 and not report.suspicious
        assert sorted(shape for shape, _ in report.weights.values()) == [(3,), (4, 3)]


@pytest.mark.parametrize(
    "name", ["m.keras", "m.weights.h5", "m.weights.json", "m.safetensors", "m.h5"]
)
def test_what_is_no_such_file_is_suspicious(name, tmp_path):
    (tmp_path / name).write_bytes(b"something else")
    assert inspect_file(tmp_path / name).suspicious
    with pytest.raises(FileNotFoundError):
        inspect_file(tmp_path / f"no-{name}")


def test_a_vocabulary_in_a_file_is_suspicious(path):
    words = {"class_name": "StringLookup", "config": {"name": "..", "vocabulary": "/home/me/keys"}}
    with_config(path, lambda config: config["config"]["layers"].append(words))
    assert inspect_file(path).suspicious == [
        "A StringLookup has the name of a file, '/home/me/keys', for a vocabulary.",
        "A layer has the name '..', which is a path.",
    ]


def test_what_an_older_file_was_compiled_with(tmp_path):
    with pytest.warns(UserWarning):
        network().save(tmp_path / "m.h5")
    assert not inspect_file(tmp_path / "m.h5").suspicious
    with h5py.File(tmp_path / "m.h5", "a") as file:
        file.attrs["training_config"] = json.dumps({"loss": {"class_name": "__lambda__"}})
    assert "code" in str(inspect_file(tmp_path / "m.h5").suspicious)


def test_a_dataset_without_numbers(tmp_path):
    network().save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5", "a") as file:
        file["empty"] = h5py.Empty("f4")
    assert "15 parameters" in str(inspect_file(tmp_path / "m.weights.h5"))


def test_a_link_in_weights(tmp_path):
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "x")
    assert "is a link" in inspect_file(path).suspicious[0]


def test_the_command(path, capsys):
    assert main(["inspect", str(path)]) == 0
    assert "first  Dense" in capsys.readouterr().out
    assert main(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "a model's archive"
    path.write_bytes(b"")
    assert main(["inspect", str(path)]) == 1
    assert main(["inspect", str(path) + "x"]) == 2
    assert "no file" in capsys.readouterr().err


def test_an_open_file_of_a_model_still_loads_after_it_was_inspected(path):
    inspect_file(path)
    model = tv.models.load_model(io.BytesIO(path.read_bytes()))
    assert model(np.ones((1, 4), "float32")).shape == (1, 3)


def test_an_exported_model(tmp_path):
    pytest.importorskip("flatbuffers")
    network().export(tmp_path / "m.stablehlo", verbose=False)
    report = inspect_file(tmp_path / "m.stablehlo")
    assert report.kind == "an exported model" and not report.suspicious
    assert report.facts == {"endpoint serve": "float32[batch, 4]"}
    assert report.weights["net/first/kernel"] == ((4, 3), "float32") and report.parameters == 15


def test_the_state_of_a_run(tmp_path):
    x = np.ones((4, 4), "float32")
    backup = tv.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    network().fit(x, x[:, :3], verbose=0, callbacks=[backup])
    (file,) = tmp_path.glob("*.run")
    report = inspect_file(file)
    assert report.kind == "the state of a run" and not report.suspicious
    assert report.facts == {"epoch": "1", "step": "0", "callbacks": "BackupAndRestore, History"}
    assert report.weights["trainable: net/first/kernel"] == ((4, 3), "float32")
    assert report.parameters == 15


def test_a_damaged_state_of_a_run(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.run", "w") as file:
        file.writestr("run.json", '{"arrays": [], "place": 3}')
    assert "damaged" in inspect_file(tmp_path / "x.run").suspicious[0]
