"""Notebooks: read by `trivium check`, run by `trivium run` in a real kernel, and the line that turns the hook on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trivium.cli import main
from trivium.compat import NotCovered, NotFound, RunError, check_script, run_notebook
from trivium.compat.cells import python_of


def write(path: Path, *cells: str) -> Path:
    code = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for i, source in enumerate(cells)
    ]
    text = {"cell_type": "markdown", "id": "text", "metadata": {}, "source": ["# A lesson"]}
    content = {"cells": [text, *code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))
    return path


LESSON = (
    "%matplotlib inline\nimport numpy as np\nimport tensorflow as tf\nfolder = %pwd",
    "model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1, name='out')], name='tiny')\n"
    "model.summary()",
    "model.compile('sgd', 'mse')\nx = np.ones((64, 3), 'float32')\n"
    "model.fit(x, x[:, :1], batch_size=1, epochs=2)",
    "print('half', end='\\rwhole\\n')\nprint(tf.__version__)\ntf.reduce_sum(x).numpy()",
)


def test_a_notebook_is_run_and_written_with_what_its_cells_show(tmp_path: Path) -> None:
    source = write(tmp_path / "lesson.ipynb", *LESSON, "if model:\n    tf.lite.Converter", "never")
    before = source.read_bytes()
    words = [sys.executable, "-m", "trivium", "run", str(source)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = "lesson.ipynb, cell 6, line 2:\n    tf.lite.Converter\ntf.lite is not covered"
    assert said in done.stderr and "Traceback" not in done.stderr
    assert source.read_bytes() == before
    cells = json.loads((tmp_path / "lesson-run.ipynb").read_text())["cells"]
    shown = ["".join(json.dumps(o) for o in cell["outputs"]) for cell in cells[1:]]
    assert "tiny" in shown[1] and "out" in shown[1] and len(cells[2]["outputs"]) == 1
    # One finished line an epoch, and none of those that stood in its place.
    order = [i for word in ("Epoch 1/2", "64/64", "Epoch 2/2") for i in (shown[2].index(word),)]
    assert order == sorted(order)
    assert shown[2].count("64/64") == 2 and "\\r" not in shown[2] and "Epoch 2/2" in shown[2]
    assert (
        "whole" in shown[3]
        and "half" not in shown[3]
        and "trivium" in shown[3]
        and "192" in shown[3]
    )
    assert shown[5] == ""


def test_what_is_no_notebook_is_said(tmp_path: Path, capsys: Any) -> None:
    write(tmp_path / "lesson.ipynb")
    with pytest.raises(NotFound, match=r"Did you mean 'lesson.ipynb'"):
        run_notebook(tmp_path / "leson.ipynb")
    (tmp_path / "broken.ipynb").write_text("{}")
    with pytest.raises(RunError, match="is no notebook"):
        run_notebook(tmp_path / "broken.ipynb")
    with pytest.raises(NotCovered, match="is no notebook of version 4"):
        check_script(tmp_path / "broken.ipynb")
    assert main(["run", str(tmp_path / "lesson.ipynb"), "--outptu", "x"]) == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_notebook_is_read_by_its_cells(tmp_path: Path) -> None:
    lesson = write(
        tmp_path / "a.ipynb",
        "%load_ext trivium\nimport tensorflow as tf",
        "%%bash\ntf.nothing",
        "%%time\nmodel = tf.keras.Sequential()\nmodel.add(tf.keras.layers.Dens(3))",
        "files = !ls\nmodel.make_train_function()",
    )
    missing = [(Path(f.file).name, f.line, f.name) for f in check_script(lesson) if not f.covered]
    assert missing == [
        ("a.ipynb, cell 4", 3, "keras.layers.Dens"),
        ("a.ipynb, cell 5", 2, "keras.Sequential.make_train_function"),
    ]
    with pytest.raises(NotCovered, match="cell 2, line 2: this is not Python"):
        check_script(write(tmp_path / "b.ipynb", "x = 1\nx ="))


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%time x = 1", ""),
        ("if x:\n    !ls\n", "if x:\n    pass"),
        ("tf.constant?", ""),
        ("a, b = %run x.py", "a, b = None"),
        ("x = 5 % 3", "x = 5 % 3"),
        ("%%html\n<b>", ""),
    ],
)
def test_magics_are_no_python(cell: str, python: str) -> None:
    assert python_of(cell) == python


def test_one_line_turns_it_on() -> None:
    program = "import trivium.compat.on\nimport keras, trivium\nprint(keras.layers.Dense is trivium.layers.Dense)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
