"""What a notebook shows of models, histories and written programs."""

import pickle
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest

import trivium as tv
from trivium import layers
from trivium.callbacks import History


class Branching(tv.Model):
    """Its code makes no graph: Python decides by values."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs) if float(tv.ops.sum(inputs)) > 0 else self.dense(-inputs)


def eager():
    model = Branching()
    model.compile(run_eagerly=True)
    model(np.ones((1, 3), "float32"))
    return model


def functional():
    x = tv.Input((3,), name="x")
    return tv.Model(x, layers.Add(name="<sum>")([x, layers.Dense(3, name="a & b")(x)]), name="net")


def deep():
    return tv.Sequential([tv.Input((3,)), *(layers.ReLU() for _ in range(200))])


MODELS = {
    "functional": (functional, True, ["net", "a &amp; b", "&lt;sum&gt;", "(None, 3)", "Total params: 12"]),
    "sequential": (lambda: tv.Sequential([tv.Input((3,)), layers.Dense(2)]), True, ["Dense", "8"]),
    "not built": (lambda: tv.Sequential([layers.Dense(2)]), False, ["not built", "Not built: call"]),
    "empty": (tv.Sequential, False, ["Not built: call"]),
    "without a graph": (eager, False, ["dense", "Total params: 8"]),
    "very deep": (deep, False, ["re_lu_199", "Total params: 0"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_shows_its_table_and_its_drawing(kind):
    make, drawn, words = MODELS[kind]
    model = make()
    text = model._repr_html_()
    root = ElementTree.fromstring(text)  # Well-formed, so whatever names are in it are text.
    assert ("<svg" in text) == drawn
    assert all(word in text for word in words)
    rows = root.findall(".//table/tr")
    assert len({len(row) for row in rows}) <= 1
    assert "\n" not in repr(model) and len(repr(model)) < 80


def test_a_history_shows_its_curves_and_opens_no_figure_of_pyplot():
    history = History()
    assert history._repr_html_() is None and repr(history) == "<History of 0 epochs>"
    history.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.25, "val_loss": 0.75})
    history.on_epoch_end(1, {"loss": 0.25, "accuracy": 0.5, "val_loss": 0.5})
    before = plt.get_fignums()
    root = ElementTree.fromstring(history._repr_html_())
    assert root.tag.endswith("svg") and plt.get_fignums() == before
    groups = [g for g in root.iter() if g.get("id", "").startswith("axes_")]
    assert len(groups) == 2, "losses have a panel of their own"
    assert repr(history) == "<History of 2 epochs; loss: 0.25, accuracy: 0.5, val_loss: 0.5>"


def test_a_written_program_is_a_string_that_shows_in_colors():
    class Printer:
        def text(self, text):
            self.said = text

    text = tv.source(functional())
    assert isinstance(text, str) and pickle.loads(pickle.dumps(text)) == text
    shown = text._repr_html_()
    assert "<span" in shown and "&lt;sum&gt;" in shown and "<sum>" not in shown
    printer = Printer()
    text._repr_pretty_(printer, False)
    assert printer.said == text and type(printer.said) is str
    assert repr(text) == repr(str(text))
