"""Learning curves."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from trivium.viz.curves import _ticks, learning_curves

HISTORY = {
    "accuracy": [0.5, 0.7, 0.8],
    "loss": [0.9, 0.6, 0.4],
    "val_accuracy": [0.4, 0.6, 0.7],
    "val_loss": [1.2, 0.8, 0.7],
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def test_loss_and_metrics_have_panels_of_their_own():
    figure = learning_curves(HISTORY)
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "accuracy"]
    assert all(ax.get_xlabel() == "epoch" for ax in figure.axes)
    for ax, name in zip(figure.axes, ("loss", "accuracy"), strict=True):
        drawn = lines(ax)
        assert list(drawn) == ["training", "validation"]
        assert list(drawn["training"].get_ydata()) == HISTORY[name]
        assert list(drawn["validation"].get_ydata()) == HISTORY[f"val_{name}"]
        assert list(drawn["training"].get_xdata()) == [1, 2, 3]
        assert [text.get_text() for text in ax.get_legend().get_texts()] == list(drawn)


def test_training_is_solid_and_validation_dashed_in_one_color():
    figure = learning_curves(HISTORY)
    colors = []
    for ax in figure.axes:
        drawn = lines(ax)
        assert drawn["training"].get_linestyle() == "-"
        assert drawn["validation"].get_linestyle() == "--"
        assert same_color(drawn["training"].get_color(), drawn["validation"].get_color())
        colors.append(drawn["training"].get_color())
    assert not same_color(*colors)


def test_scales_that_differ_do_not_share_a_panel():
    history = {
        "loss": [3.0, 2.0],
        "a_loss": [1.0, 1.0],
        "mae": [3.0, 2.0],
        "auc": [0.5, 0.9],
        "accuracy": [0.5, 0.9],
        "learning_rate": [0.1, 0.001],
    }
    figure = learning_curves(history)
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "value", "mae", "learning_rate"]
    assert set(lines(figure.axes[0])) == {"loss", "a_loss"}
    assert set(lines(figure.axes[1])) == {"auc", "accuracy"}
    assert [ax.get_yscale() for ax in figure.axes] == ["linear"] * 3 + ["log"]


def test_metrics_choose_what_is_drawn():
    assert [ax.get_ylabel() for ax in learning_curves(HISTORY, "loss").axes] == ["loss"]
    [ax] = learning_curves(HISTORY, ["val_accuracy"]).axes
    assert list(lines(ax)) == ["validation"]
    assert len(learning_curves(HISTORY, ["loss", "accuracy"]).axes) == 2


def test_given_axes_take_everything_and_their_figure_comes_back():
    ax = Figure().subplots()
    assert learning_curves(HISTORY, ax=ax) is ax.figure
    assert set(lines(ax)) == set(HISTORY)
    assert ax.get_ylabel() == "value"
    assert plt.get_fignums() == []


def test_the_figure_is_one_that_pyplot_shows():
    assert learning_curves(HISTORY).number in plt.get_fignums()


def test_values_stand_at_their_epochs():
    figure = learning_curves({"loss": [3, 2, 1], "val_loss": [2]}, epochs={"val_loss": [2]})
    drawn = lines(figure.axes[0])
    assert list(drawn["training"].get_xdata()) == [1, 2, 3]
    assert list(drawn["validation"].get_xdata()) == [2]
    assert drawn["validation"].get_marker() == "o"  # a line through one point shows nothing


@pytest.mark.parametrize("last", [1, 2, 5, 9, 10, 13, 30, 31, 99, 100, 1000, 12345])
def test_epochs_are_numbered_from_1_in_round_steps(last):
    ticks = _ticks(1, last)
    assert ticks[0] == 1 and ticks[-1] <= last and len(ticks) <= 9
    assert all(isinstance(tick, int) for tick in ticks)
    steps = set(np.diff(ticks[1:]))
    assert len(steps) <= 1
    if last > 2:
        assert len(ticks) >= 3


def test_values_for_each_class_are_drawn_as_their_mean():
    figure = learning_curves({"f1_score": [np.array([0.0, 0.5]), np.array([0.5, 1.0])]})
    assert list(figure.axes[0].get_lines()[0].get_ydata()) == [0.25, 0.75]


def test_nan_is_left_out_and_drawing_works():
    figure = learning_curves({"loss": [float("nan"), 1.0, float("inf")], "val_loss": [1.0] * 3})
    figure.canvas.draw()
    assert figure.axes[0].get_ylabel() == "loss"


def test_a_name_that_is_not_there_gets_the_nearest_one():
    with pytest.raises(ValueError, match=r"no 'acuracy'.*'accuracy'"):
        learning_curves(HISTORY, "acuracy")
    with pytest.raises(ValueError, match="no epoch yet"):
        learning_curves({})


def test_importing_curves_does_not_import_matplotlib():
    code = "import sys, trivium.viz.curves; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
