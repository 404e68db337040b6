"""Whole programs: one written for KerasTuner, the example, and the command."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from compiling import quick_environment

from trivium.cli import main
from trivium.tuning.command import TuneSettings, tune_file

EXAMPLE = Path(__file__).parents[2] / "examples/tuned_classifier.py"

PROGRAM = """
import keras
import keras_tuner
import numpy as np
from keras import layers

generator = np.random.default_rng(0)
images = generator.random((96, 6, 6)).astype("float32")
classes = (images.mean(axis=(1, 2)) > 0.5).astype("int32")
x_train, y_train, x_val, y_val = images[:64], classes[:64], images[64:], classes[64:]


def build_model(hp):
    model = keras.Sequential()
    model.add(layers.Flatten())
    for i in range(hp.Int("num_layers", 1, 2)):
        model.add(
            layers.Dense(
                units=hp.Int(f"units_{i}", min_value=4, max_value=8, step=4),
                activation=hp.Choice("activation", ["relu", "tanh"]),
            )
        )
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(rate=0.25))
    model.add(layers.Dense(2, activation="softmax"))
    learning_rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


build_model(keras_tuner.HyperParameters())
tuner = keras_tuner.RandomSearch(
    hypermodel=build_model,
    objective="val_accuracy",
    max_trials=2,
    executions_per_trial=2,
    overwrite=True,
    directory="my_dir",
    project_name="helloworld",
)
tuner.search_space_summary()
tuner.search(x_train, y_train, epochs=2, validation_data=(x_val, y_val))
models = tuner.get_best_models(num_models=2)
best_model = models[0]
best_model.build(input_shape=(None, 6, 6))
best_model.summary()
tuner.results_summary()

best_hps = tuner.get_best_hyperparameters(5)
model = build_model(best_hps[0])
model.fit(x=images, y=classes, epochs=1, verbose=0)


class MyHyperModel(keras_tuner.HyperModel):
    def build(self, hp):
        return build_model(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, shuffle=hp.Boolean("shuffle"), **kwargs)


tuner = keras_tuner.BayesianOptimization(
    MyHyperModel(),
    objective=keras_tuner.Objective("val_loss", "min"),
    max_trials=1,
    overwrite=True,
    directory="my_dir",
    project_name="tune_hypermodel",
)
tuner.search(x_train, y_train, epochs=1, validation_data=(x_val, y_val))
print("shuffled:", tuner.get_best_hyperparameters()[0].get("shuffle") in (True, False))
"""

# What KerasTuner prints of this space.
SUMMARY = """\
Search space summary
Default search space size: 5
num_layers (Int)
{'default': None, 'conditions': [], 'min_value': 1, 'max_value': 2, 'step': 1, 'sampling': 'linear'}
units_0 (Int)
{'default': None, 'conditions': [], 'min_value': 4, 'max_value': 8, 'step': 4, 'sampling': 'linear'}
activation (Choice)
{'default': 'relu', 'conditions': [], 'values': ['relu', 'tanh'], 'ordered': False}
dropout (Boolean)
{'default': False, 'conditions': []}
lr (Float)
{'default': 0.0001, 'conditions': [], 'min_value': 0.0001, 'max_value': 0.01, 'step': None, 'sampling': 'log'}
"""


def test_a_program_for_keras_tuner_runs_unchanged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("started.py").write_text(PROGRAM)
    assert main(["run", "started.py"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(SUMMARY)
    assert "Results in my_dir/helloworld\nShowing 10 best trials\n" in said
    assert 'Objective(name="val_accuracy", direction="max")\n\nTrial 000' in said
    assert said.endswith("shuffled: True\n")
    assert main(["check", "started.py"]) == 0


def test_it_runs_with_the_import_line_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changed = PROGRAM.replace("import keras_tuner", "from trivium import tuning as keras_tuner")
    changed = changed.replace("import keras\n", "import trivium as keras\n")
    changed = changed.replace("from keras import", "from trivium import")
    changed = changed.replace("max_trials=2", "max_trials=1")  # The other program has shown two.
    exec(changed, {"__name__": "program"})
    said = capsys.readouterr().out
    assert said.startswith(SUMMARY) and said.endswith("shuffled: True\n")


def finished(file: Path) -> int:
    """Return how many trials of a search are finished."""
    if not file.exists():
        return 0
    with contextlib.closing(sqlite3.connect(file, timeout=60)) as connection:
        query = "SELECT count(*) FROM trials WHERE state = 'COMPLETE'"
        try:
            return int(connection.execute(query).fetchone()[0])
        except sqlite3.OperationalError:  # There are no tables yet.
            return 0


def test_the_example_is_killed_and_goes_on(tmp_path: Path) -> None:
    words = [
        sys.executable,
        str(EXAMPLE),
        "--trials",
        "3",
        "--epochs",
        "1",
        "--limit",
        "100",
        "--directory",
        str(tmp_path),
    ]
    paths = os.pathsep.join(filter(None, [*sys.path, os.environ.get("PYTHONPATH")]))
    environment = {**quick_environment(), "PYTHONPATH": paths}
    run = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not finished(tmp_path / "search/study.db"):
        assert run.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    again = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert " trials were begun before; " in again.stdout
    assert "of the images that were held back" in again.stdout
    assert finished(tmp_path / "search/study.db") == 3
    assert "<svg" in (tmp_path / "search.html").read_text("utf-8")


MODEL = """
import numpy as np
import trivium as tv

def build(hp):
    model = tv.Sequential([tv.layers.Dense(hp.Int("units", 2, 6, step=2)), tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model

def data():
    x = np.linspace(-1, 1, 40).reshape(40, 1).astype("float32")
    return {data}
"""


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "model.py"
    file.write_text(MODEL.replace("{data}", "(x, 3 * x)"))
    page = tmp_path / "page.html"
    words = [
        "tune",
        str(file),
        "--trials",
        "2",
        "--epochs",
        "1",
        "--seed",
        "1",
        "--directory",
        str(tmp_path),
    ]
    assert main([*words, "--tuner", "grid", "--report", str(page)]) == 0
    said = capsys.readouterr().out
    assert said.count("trial 000") == 2 and f"Results in {tmp_path}/model" in said
    assert f"The report: {page}" in said and page.exists()
    # It goes on where it was: there is one more trial, and the report is of all.
    assert main([*words[:3], "3", *words[4:], "--tuner", "grid"]) == 0
    assert capsys.readouterr().out.count("trial 000") == 1


WRONG = [
    (["--tuner", "grit"], MODEL, "there is no tuner 'grit'. Did you mean 'grid'?"),
    ([], "def bild(hp): pass", "model.py has neither a function `build(hp)`"),
    ([], "def build(hp): pass", "model.py has no function `data()`"),
    ([], MODEL.replace("{data}", "x"), "it returned a ndarray"),
    ([], "1 / 0", "model.py stopped with ZeroDivisionError"),
    (
        ["--objective", "val_loss:down"],
        MODEL.replace("{data}", "(x, x)"),
        "is 'min' or 'max'; got 'down'",
    ),
    (["--trial", "3"], MODEL, "unknown argument '--trial'. Did you mean '--trials'"),
]


@pytest.mark.parametrize(("words", "text", "said"), WRONG)
def test_wrong_requests(
    words: list[str], text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model.py"
    file.write_text(text)
    assert main(["tune", str(file), "--directory", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_hyperband_from_the_command_counts_its_own_epochs(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text(MODEL.replace("{data}", "{'x': x, 'y': 3 * x, 'verbose': 0}"))
    settings = TuneSettings("hyperband", epochs=2, directory=str(tmp_path), seed=1)
    assert tune_file(file, settings).oracle.max_epochs == 2  # type: ignore[attr-defined]
