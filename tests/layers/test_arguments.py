"""The methods of all layers take their arguments by the names that they have in Keras."""

from __future__ import annotations

import inspect

import pytest
from oracle import recorded

from trivium import layers
from trivium.layers import registry

# Keras has no layer of this name, or makes its input layer in another way.
OURS = (layers.HostLayer, layers.InputLayer)
LAYERS = sorted(
    registry.LAYERS.name_of(kind)
    for kind in set(map(layers.__dict__.get, layers.__all__))
    if inspect.isclass(kind) and issubclass(kind, layers.Layer) and kind not in OURS
)
METHODS = ("build", "call", "compute_mask", "compute_output_shape", "__call__")


def names(kind, method):
    """Return the names of what a method takes, without its stars."""
    parameters = inspect.signature(inspect.unwrap(getattr(kind, method))).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]


@pytest.mark.parametrize("name", LAYERS)
def test_the_names_are_those_of_keras(name):
    theirs = recorded(lambda keras: {m: names(getattr(keras.layers, name), m) for m in METHODS})
    kind = getattr(layers, name)
    if name == "SimpleRNNCell":
        theirs["call"][0] = "inputs"  # As for the other cells.
    for method, wanted in theirs.items():
        # `training` goes through layers that do nothing with it.
        through = method == "call" and name in ("Dense", "EinsumDense")
        wanted = [n for n in wanted if n != "training" or not through]
        signature = inspect.signature(getattr(kind, method))
        signature.bind(None, **dict.fromkeys(wanted))
        own = names(kind, method)
        assert not own or own[: len(wanted)] == wanted


def test_the_mask_of_a_mask_by_keyword():
    """What the subclasses of `Layer` call `mask` is `previous_mask` in `Layer` itself, as in Keras."""
    mask = [[True, False]]
    assert layers.Identity().compute_mask(None, previous_mask=mask) is mask
    assert layers.Embedding(2, 2).compute_mask([[1, 0]], mask=None) is None
