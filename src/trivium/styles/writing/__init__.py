"""A model's source: the program that makes it, in any style."""

from __future__ import annotations

from trivium.models.model import Model
from trivium.state import suggest
from trivium.styles.modes import StyleError, graph_of
from trivium.styles.obstacles import sequential_obstacle
from trivium.styles.writing.write import Writer
from trivium.viz.notebook import Program

__all__ = ["STYLES", "check_style", "source"]

STYLES = ("sequential", "functional", "subclass")


def check_style(style: str) -> str:
    """Return a style's name.

    Raises:
        ValueError: There is no such style; the message has the nearest one.
    """
    if style not in STYLES:
        raise ValueError(f"There is no style {style!r}. {suggest(str(style), STYLES)}")
    return style


def source(model: Model, style: str | None = None) -> Program:
    """Write the Python program that makes a model.

    Running it makes a model with the same graph, called `model`, whose weights are drawn anew.

    Args:
        model: The model, built, in any style.
        style: `"sequential"`, `"functional"` or `"subclass"`; the simplest that can hold the model where it is `None`.

    Returns:
        The program: a string, which a notebook shows in colors.

    Raises:
        ValueError: The style is unknown, or the model is not built.
        StyleError: The style cannot hold the model, or something in it has no text; the message names it.
        CaptureError: The model's own code does what no graph can hold.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((28, 28)), tv.layers.Flatten(), tv.layers.Dense(10)])
        >>> print(source(model, style="functional"))
        from trivium import Input, Model, layers
        <BLANKLINE>
        inputs = Input(shape=(28, 28))
        x = layers.Flatten()(inputs)
        outputs = layers.Dense(10)(x)
        model = Model(inputs=inputs, outputs=outputs)
        <BLANKLINE>
    """
    if style is None:
        stack = sequential_obstacle(graph_of(model)) is None
        style = "sequential" if stack else "functional"
        try:
            return Program(Writer(style).program(model))
        except StyleError:
            style = "subclass"
    return Program(Writer(check_style(style)).program(model))
