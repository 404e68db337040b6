from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

import trivium
from trivium.cli import main


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text("import keras, sys\nprint(keras.backend.backend(), sys.argv[1:])\n")
    return path


@pytest.mark.parametrize(
    "words", [[], ["--epochs", "3"], ["-m", "x", "--help"], ["run", "--", "a"]]
)
def test_arguments_are_the_program_s(
    words: list[str], script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(script), *words]) == 0
    assert capsys.readouterr().out == f"jax {words}\n"


def test_a_module(
    script: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(script.parent)
    assert main(["run", "-m", "train", "-m", "--help"]) == 0
    assert capsys.readouterr().out == "jax ['-m', '--help']\n"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit('enough')", 1, "enough\n"),
    ],
)
def test_exit_status_is_the_program_s(
    text: str, status: int, said: str, script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text(text)
    assert main(["run", str(script)]) == status
    assert capsys.readouterr().err == said


def test_errors_show_the_program_s_frames_alone(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text("def f():\n    return 1 / 0\n\nf()\n")
    assert main(["run", str(script)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert [line for line in lines if line.startswith("  File")] == [
        f'  File "{script}", line 4, in <module>',
        f'  File "{script}", line 2, in f',
    ]


def test_the_library_s_frames_and_notes_are_left_out(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text(
        "import json, keras, numpy as np\n"
        "class Mine(keras.callbacks.Callback):\n"
        "    def on_epoch_end(self, epoch, logs=None):\n"
        "        json.loads('{')\n"
        "model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])\n"
        "model.compile('sgd', 'mse')\n"
        "try:\n"
        "    model.fit(np.ones((4, 3)), np.ones(4))\n"
        "except ValueError:\n"
        "    model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[Mine()])\n"
    )
    assert main(["run", str(script)]) == 1
    lines = capsys.readouterr().err.splitlines()
    frames = [line for line in lines if line.startswith("  File")]
    assert [f"line {n}," in frame for n, frame in zip((8, 10, 4), frames, strict=False)] == [
        True
    ] * 3
    assert all("json" in frame for frame in frames[3:]) and len(frames) > 3
    assert not any("JAX" in line for line in lines)
    before = (
        jax.config.jax_traceback_filtering
    )  # Which JAX reads off its variable when it is imported.
    trivium.config.disable_traceback_filtering()
    try:
        assert main(["run", str(script)]) == 1
    finally:
        jax.config.update("jax_traceback_filtering", before)
    assert "trainer.py" in capsys.readouterr().err


def test_a_mistake_in_python_shows_its_line(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text("x = 1\ny = (\n")
    assert main(["run", str(script)]) == 1
    err = capsys.readouterr().err
    assert (
        f'File "{script}", line 2' in err and "SyntaxError" in err and "trivium/compat" not in err
    )


def test_uncovered_is_one_message(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script.write_text("import tensorflow as tf\nstrategy = tf.distribute.TPUStrategy()\n")
    assert main(["run", str(script)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"trivium run: {script}, line 2:\n"
        "    strategy = tf.distribute.TPUStrategy()\n"
        "tf.distribute.TPUStrategy is not covered. One process trains on one device here: "
        "build and compile the model without a strategy scope.\n"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "trivium run: error: wanted a program"),
        (["-m"], "trivium run: error: wanted a program"),
        (["no/such.py"], "trivium run: there is no file 'no/such.py'."),
        (["-m", "no_such_module"], "trivium run: there is no module 'no_such_module'."),
    ],
)
def test_no_program(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *words]) == 2
    assert capsys.readouterr().err.startswith(text)


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    assert "trivium run train.py --epochs 3" in capsys.readouterr().out


def test_as_a_command(script: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trivium", "run", str(script), "a"],
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "jax ['a']\n", "")
