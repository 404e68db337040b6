"""What the families over spatial axes share: where the channels are, one definition for every rank."""

from __future__ import annotations

import inspect
import pickle
import threading

import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium import config, layers, ops
from trivium.layers.spatial import Spatial

NAMES = sorted(
    {
        kind.__name__
        for kind in map(layers.__dict__.get, layers.__all__)
        if inspect.isclass(kind)
        and (issubclass(kind, Spatial) or kind.__name__.startswith("SpatialDropout"))
    }
    | {"Flatten"}
)
REQUIRED = {
    "Conv": {"filters": 3, "kernel_size": 1},
    "Separable": {"filters": 3, "kernel_size": 1},
    "Depthwise": {"kernel_size": 1},
    "Adaptive": {"output_size": 2},
    "SpatialDropout": {"rate": 0.5},
    "Average": {"pool_size": 2},
}


def made(library, name):
    """Return a layer with no more said than must be."""
    (said,) = [v for k, v in REQUIRED.items() if name.startswith(k)] or [{}]
    return getattr(library.layers, name)(**said)


def size(name):
    rank = next(map(int, filter(str.isdigit, name)), 2)
    return (2, 3, *(4, 5, 6)[:rank])


def with_channels_first(keras, name):
    """Return the data format of Keras's layer, and the shape that it gives."""
    keras.config.set_image_data_format("channels_first")
    try:
        layer = made(keras, name)
        shape = layer.compute_output_shape(size(name))
    finally:
        keras.config.set_image_data_format("channels_last")
    return getattr(layer, "data_format", "channels_last"), list(shape)


@pytest.fixture
def channels_first():
    config.set_image_data_format("channels_first")
    yield
    config.set_image_data_format("channels_last")


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_is_made_with_the_default_of_its_time(name, channels_first):
    data_format, shape = recorded(lambda keras: with_channels_first(keras, name))
    layer = made(tv, name)
    assert layer.data_format == data_format
    assert list(layer.compute_output_shape(size(name))) == shape
    kept = layer.get_config()
    config.set_image_data_format("channels_last")
    assert type(layer).from_config(kept).data_format == data_format
    assert pickle.loads(pickle.dumps(layer)).data_format == data_format
    assert pickle.loads(pickle.dumps(type(layer))) is type(layer)
    assert made(tv, name).data_format == "channels_last"


def test_a_layer_keeps_what_it_was_made_with(channels_first):
    layer = layers.GlobalAveragePooling2D()
    config.set_image_data_format("channels_last")
    assert layer(np.ones((2, 3, 4, 5))).shape == (2, 3)


def test_a_thread_has_its_own_default(channels_first):
    """What a thread sets disturbs no other; what the main thread set, it sees."""
    seen = []

    def work():
        seen.append(config.image_data_format())
        config.set_image_data_format("channels_last")
        seen.append(layers.Flatten().data_format)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["channels_first", "channels_last"]
    assert config.image_data_format() == "channels_first"


def test_no_other_default_is_known():
    with pytest.raises(ValueError, match=r"got 'channels_lst'\. Did you mean 'channels_last'"):
        config.set_image_data_format("channels_lst")
    assert config.image_data_format() == "channels_last"


def test_an_op_does_not_change_its_meaning_with_a_setting(channels_first):
    with pytest.raises(ValueError, match="say data_format='channels_first'"):
        ops.max_pool(np.ones((1, 4, 4, 3)), 2)
    assert ops.max_pool(np.ones((1, 4, 4, 3)), 2, data_format="channels_last").shape[-1] == 3


@pytest.mark.parametrize("name", ["Cropping1D", "UpSampling1D", "SpatialDropout1D"])
def test_layers_without_a_data_format_refuse_one(name):
    kind = getattr(layers, name)
    with pytest.raises(TypeError, match="data_format"):
        kind(1, data_format="channels_first")


@pytest.mark.parametrize("name", [n for n in NAMES if n != "Flatten"])
def test_members_are_documented_by_their_family(name):
    """A member's own text names its family, which has the arguments; a reader of either finds the other."""
    kind = getattr(layers, name)
    families = [c for c in kind.__mro__[1:] if "Args:" in (c.__doc__ or "") and "rank" in c.__doc__]
    assert families and any(f"`{c.__name__}`" in kind.__doc__ for c in families)
    assert "Example:" in kind.__doc__
    assert "data_format" in families[0].__doc__
