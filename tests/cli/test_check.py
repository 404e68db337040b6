from __future__ import annotations

import json
from pathlib import Path

import pytest

from trivium.cli import main


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text("import tensorflow as tf\nx = tf.constant(1)\ntf.load_library(x)\n")
    return path


def test_table(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(script)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        str(script),
        "     2  tf.constant      covered",
        "     3  tf.load_library  NOT COVERED",
    ]
    assert lines[4].startswith("line 3: tf.load_library is not covered. There is no TensorFlow")
    assert lines[-1] == "1 covered, 1 not covered."


def test_json(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(script), "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "file": str(script), "line": 2, "name": "tf.constant", "covered": True, "note": "",
    }  # fmt: skip
    assert not second["covered"] and "no TensorFlow" in second["note"]


def test_all_covered(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script.write_text("import keras\nkeras.Model\n")
    assert main(["check", str(script)]) == 0
    assert capsys.readouterr().out.endswith("1 covered, 0 not covered.\n")
    script.write_text("x = 1\n")
    assert main(["check", str(script)]) == 0
    assert "uses nothing of Keras" in capsys.readouterr().out


def test_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "no/such.py"]) == 2
    assert "trivium check: 'no/such.py' cannot be read" in capsys.readouterr().err
