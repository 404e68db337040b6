"""`trivium source FILE.py:NAME`."""

import pytest

from trivium.cli import main

PROGRAM = """
import trivium as tv

def build():
    return tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])

def wants(units):
    return build()

class Net(tv.Model):
    def __init__(self):
        super().__init__()
        self.dense = tv.layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs) + inputs

model = build()
number = 3
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my_models.py"
    path.write_text(PROGRAM)
    return path


@pytest.mark.parametrize("name", ["build", "model"])
@pytest.mark.parametrize("style", ["sequential", "functional", "subclass"])
def test_the_program_is_printed_and_runs(file, name, style, capsys):
    assert main(["source", f"{file}:{name}", "--style", style]) == 0
    text = capsys.readouterr().out
    space = {}
    exec(text, space)
    assert space["model"].output_shape == (None, 2)


def test_a_class_is_built_for_a_shape(file, capsys):
    assert main(["source", f"{file}:Net", "--input-shape", "3"]) == 0
    assert "Input(shape=(3,))" in capsys.readouterr().out
    assert main(["source", f"{file}:Net", "--input-shape", "3", "--style", "sequential"]) == 1
    assert "and the input `input_0`." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{file}:biuld"], "Did you mean 'build'"),
        (["{file}:Net"], "--input-shape"),
        (["{file}:Net", "--input-shape", "three"], "list of sizes such as 28,28"),
        (["{file}:wants"], "wants the arguments units"),
        (["{file}:number"], "is no model"),
        (["{file}"], "write FILE.py:NAME"),
        (["nowhere.py:build"], "there is no Python file"),
    ],
)
def test_mistakes_are_one_line_with_a_remedy(file, words, message, capsys):
    assert main(["source", *(word.format(file=file) for word in words)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_file_that_stops_says_why(tmp_path, capsys):
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_that_name\n")
    assert main(["source", f"{broken}:build"]) == 2
    assert "stopped with ModuleNotFoundError" in capsys.readouterr().err
