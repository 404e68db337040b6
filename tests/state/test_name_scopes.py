"""Scopes of names and of devices."""

import jax
import numpy as np
import pytest
from oracle import both

import trivium as tv


def test_names_stand_before_those_of_variables():
    with tv.name_scope("encoder"), tv.name_scope("first"):
        kept = tv.Variable(1.0, name="scale")
    assert kept.path == "encoder/first/scale" and kept.name == "scale"
    assert tv.Variable(1.0, name="scale").path == "scale"
    with tv.name_scope("a"), tv.name_scope("b", override_parent="c/d"):
        assert tv.Variable(1.0, name="v").path == "c/d/b/v"


def test_around_and_inside_of_layers():
    def paths(lib):
        class Own(lib.layers.Layer):
            def build(self, shape):
                with lib.name_scope("inner"):
                    self.w = self.add_weight(shape=(1,), name="w")
                self.v = self.add_weight(shape=(1,), name="v")

            def call(self, x):
                return x * self.w + self.v

        own, dense = Own(name="own"), lib.layers.Dense(1, name="d")
        with lib.name_scope("outer"):
            dense(own(np.ones((1, 1), "float32")))
        return [v.path for layer in (own, dense) for v in layer.weights]

    ours, theirs = both(paths)
    assert ours == theirs


def test_files_and_graphs_do_not_go_by_scopes(tmp_path):
    def made(scope):
        with tv.name_scope(scope):
            model = tv.Sequential([tv.Input((2,)), tv.layers.Dense(2, name="d")])
            model(np.ones((1, 2)))
        return model

    first, second = made("a"), made("b")
    first.save_weights(tmp_path / "m.weights.h5")
    second.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
    assert first.fingerprint() == second.fingerprint()


def test_names_that_are_none():
    for name in ("a/b", "", 1):
        with pytest.raises(ValueError, match="a text without '/'"):
            tv.name_scope(name)


def test_devices():
    with tv.device("CPU:0"):
        assert tv.ops.ones(2).devices() == {jax.devices("cpu")[0]}
        with tv.device("cpu"):
            assert tv.Variable(np.ones(2)).value.devices() == {jax.devices("cpu")[0]}
    with pytest.raises(ValueError, match=r"There is no device 'tpu:7'.*cpu:0"):
        tv.device("tpu:7")
