from __future__ import annotations

import sys
import types
from typing import Any

import pytest

import trivium
from trivium.compat.hook import is_installed


class Shell:
    """What `%load_ext` and `%unload_ext` do: call the module's functions with the shell."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def load_ext(self, module: types.ModuleType) -> None:
        module.load_ipython_extension(self)

    def unload_ext(self, module: types.ModuleType) -> None:
        module.unload_ipython_extension(self)

    def cell(self, text: str) -> None:
        exec(compile(text, "<cell>", "exec"), self.names)


def test_cells_after_loading_mean_trivium(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    before = {n for n in sys.modules if n.partition(".")[0] in ("keras", "tensorflow")}
    shell.load_ext(trivium)
    try:
        shell.load_ext(trivium)  # twice does no harm
        shell.cell("from tensorflow import keras\nimport tensorflow as tf")
        shell.cell("layer = keras.layers.Dense(2); seed = tf.random.set_seed(1)")
        assert type(shell.names["layer"]) is trivium.layers.Dense
        with pytest.raises(AttributeError, match=r"tf\.load_library is not covered"):
            shell.cell("tf.load_library")
    finally:
        shell.unload_ext(trivium)
    assert not is_installed()
    assert {n for n in sys.modules if n.partition(".")[0] in ("keras", "tensorflow")} == before
    out = capsys.readouterr().out
    assert ("keras had been imported before" in out) == ("keras" in before)


def test_it_says_what_had_been_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    shell = Shell()
    shell.load_ext(trivium)
    shell.unload_ext(trivium)
    assert "tensorflow had been imported before" in capsys.readouterr().out
