"""Scopes and masks: where variables read and write, whatever nests, raises or runs beside."""

import gc
import threading

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium.state import StatelessScope, Variable, autocast_scope, current_scope, shape_scope
from trivium.state.masks import _masks, get_mask, set_mask
from trivium.state.scopes import current_autocast, init_scope


def test_reading_and_writing_go_to_the_scope():
    a, b = Variable([1.0]), Variable([2.0])
    with StatelessScope([(a, jnp.array([10.0]))]) as scope:
        assert a.value.tolist() == [10.0] and b.value.tolist() == [2.0]
        b.assign(a + b)
        assert b.value.tolist() == [12.0]
        assert scope.get_current_value(b).tolist() == [12.0]
    assert (a.numpy().item(), b.numpy().item()) == (1.0, 2.0) and current_scope() is None


def test_the_innermost_scope_counts():
    v = Variable([1.0])
    with StatelessScope([(v, jnp.array([2.0]))]) as outer:
        with StatelessScope() as inner:
            v.assign([3.0])
            assert current_scope() is inner
        assert current_scope() is outer and v.value.tolist() == [2.0]
        assert inner.get_current_value(v).tolist() == [3.0]
        assert outer.get_current_value(Variable([1.0])) is None


def test_an_error_leaves_the_scope():
    with pytest.raises(ZeroDivisionError), StatelessScope(), autocast_scope("float16"):
        raise ZeroDivisionError
    assert current_scope() is None and current_autocast() is None


def test_a_shape_scope_drops_what_is_written():
    v = Variable([1.0])
    with shape_scope() as scope:
        v.assign([5.0])
    assert v.numpy().tolist() == [1.0] and scope.losses == []


def test_an_init_scope_steps_out_of_all():
    v = Variable([1.0])
    with StatelessScope([(v, jnp.array([2.0]))]), autocast_scope("bfloat16"):
        with init_scope():
            assert v.value.tolist() == [1.0] and v.dtype == "float32"
            v.assign([4.0])
        assert v.value.tolist() == [2.0] and v.dtype == "bfloat16"
    assert v.numpy().tolist() == [4.0]


def test_threads_have_scopes_of_their_own():
    v, seen = Variable([1.0]), []

    def read():
        seen.append((current_scope(), current_autocast(), v.value.tolist()))

    with StatelessScope([(v, jnp.array([2.0]))]), autocast_scope("float16"):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert seen == [(None, None, [1.0])]


def test_losses_are_collected_where_asked_for():
    class Penalized(tv.Layer):
        def call(self, x):
            self.add_loss(jnp.sum(x))
            return x

    layer = Penalized()
    with StatelessScope(collect_losses=True) as scope:
        layer(np.ones((1, 2), "float32"))
        assert [float(x) for x in layer.losses] == [2.0]
    assert [float(x) for x in scope.losses] == [2.0]


def test_updates_of_layers_end_in_the_scope():
    layer = tv.layers.BatchNormalization(momentum=0.5)
    x = np.array([[2.0], [4.0]], "float32")
    layer.build(x.shape)
    with StatelessScope() as scope:
        layer(x, training=True)
    assert scope.get_current_value(layer.moving_mean).tolist() == [1.5]
    assert layer.moving_mean.numpy().tolist() == [0.0]


# --- masks


def test_masks_lie_beside_arrays_and_go_with_them():
    x, mask = jnp.ones((2, 3)), jnp.array([[True, False, True], [True, True, False]])
    assert get_mask(x) is None
    set_mask(x, mask)
    assert get_mask(x) is mask and get_mask(jnp.ones((2, 3))) is None
    assert x._keras_mask is mask
    count = len(_masks)
    set_mask(x, None)
    assert get_mask(x) is None and len(_masks) == count - 1
    set_mask(x, None)
    set_mask(x, mask)
    del x
    gc.collect()
    assert len(_masks) == count - 1, "the entry went with its array"


def test_symbolic_masks_are_edges():
    x = tv.Input((3,))
    assert get_mask(x) is None
    mask = x != 0.0
    set_mask(x, mask)
    assert get_mask(x) is mask and mask.node.name == "not_equal"


def test_a_new_array_in_an_old_place_has_no_mask():
    """A mask belongs to one array; another one that happens to get its id has none."""
    for _ in range(100):
        x = jnp.ones((1, 2)) * 1.0
        assert get_mask(x) is None
        set_mask(x, jnp.ones((1, 2), bool))
        del x
