"""`tf.train.Checkpoint`: what is not built yet, what does not fit, what is damaged."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trivium.compat import active
from trivium.data.checks import DataError

with active():
    import tensorflow as tf

X = np.ones((2, 3), "float32")


def model() -> Any:
    return tf.keras.Sequential([tf.keras.layers.Dense(2), tf.keras.layers.Dense(1)])


def saved(folder: Path, **objects: Any) -> str:
    path: str = tf.train.Checkpoint(**objects).save(str(folder / "ckpt"))
    return path


def test_what_is_not_built_gets_its_values_when_it_is(tmp_path: Path) -> None:
    net, optimizer = model(), tf.keras.optimizers.Adam(0.25)
    net.compile(optimizer, "mse")
    net.fit(X, X[:, :1], verbose=0)
    path = saved(tmp_path, net=net, optimizer=optimizer)
    again, other = model(), tf.keras.optimizers.Adam(0.5)
    status = tf.train.Checkpoint(net=again, optimizer=other).restore(path)
    with pytest.raises(AssertionError, match=r"no object took: net/.* Are all given and built\?"):
        status.assert_consumed()
    np.testing.assert_array_equal(again(X), net(X))
    other.build(again.trainable_variables)
    status.assert_consumed()
    assert float(other.learning_rate) == 0.25 and int(other.iterations) == 1


def test_lists_dicts_and_modules_are_looked_into(tmp_path: Path) -> None:
    a, b, c = (tf.Variable(float(i)) for i in range(3))
    parts = {"pair": [a, b], "more": {"c": c}}
    path = saved(tmp_path, parts=parts)
    for v in (a, b, c):
        v.assign(9.0)
    tf.train.Checkpoint(parts=parts).restore(path).assert_consumed()
    assert [float(v) for v in (a, b, c)] == [0.0, 1.0, 2.0]


def test_modules_within_modules_are_looked_into(tmp_path: Path) -> None:
    class Affine(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self._w = tf.Variable([1.0, 2.0])

    class Net(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers, self.named, self.last = [Affine()], {"a": Affine()}, Affine()
            self.dense = tf.keras.layers.Dense(1)
            self.dense.build((None, 2))

    net = Net()
    assert len(net.variables) == 5
    before = [v.numpy() for v in net.variables]
    path = saved(tmp_path, net=net)
    for v in net.variables:
        v.assign(v + 1)
    tf.train.Checkpoint(net=net).restore(path).assert_consumed()
    for v, value in zip(net.variables, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), value)


def test_what_a_class_calls_private_is_looked_into(tmp_path: Path) -> None:
    class Scaled(tf.keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self._dense, self._factor = tf.keras.layers.Dense(1), tf.Variable([2.0])

        def call(self, x: Any) -> Any:
            return self._dense(x) * self._factor

    class Net(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self._first, self._blocks = Scaled(), [Scaled()]

        def call(self, x: Any) -> Any:
            return self._blocks[0](self._first(x))

    net, later = Net(), Net()
    wanted = net(X)
    path = saved(tmp_path, net=net)
    for v in net.weights:
        v.assign(v * 0.0)
    tf.train.Checkpoint(net=net).restore(path).assert_consumed()
    np.testing.assert_array_equal(net(X), wanted)
    tf.train.Checkpoint(net=later).restore(path)
    np.testing.assert_array_equal(later(X), wanted)


class Affine(tf.Module):
    """A module that makes its variables when it is first called."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units, self.built = units, False

    def __call__(self, x: Any) -> Any:
        if not self.built:
            self.w = tf.Variable(tf.zeros((x.shape[-1], self.units)))
            self.b, self.built = tf.Variable(tf.zeros(self.units)), True
        return x @ self.w + self.b


class Two(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.rest = Affine(2), [{"last": Affine(1)}]

    def __call__(self, x: Any) -> Any:
        return self.rest[0]["last"](self.first(x))


@pytest.mark.parametrize("compiled", [False, True])
def test_modules_get_their_values_when_they_make_their_variables(
    tmp_path: Path, compiled: bool
) -> None:
    net = Two()
    net(X)
    for i, v in enumerate(net.variables):
        v.assign(v + i + 1.0)
    path, later = saved(tmp_path, net=net), Two()
    status = tf.train.Checkpoint(net=later).restore(path).assert_existing_objects_matched()
    with pytest.raises(AssertionError, match="no object took: net/first/b"):
        status.assert_consumed()
    copied = copy.deepcopy(later)
    call = tf.function(later.__call__) if compiled else later
    np.testing.assert_array_equal(call(tf.constant(X)), net(X))
    status.assert_consumed()
    assert not np.any(copied(X))  # It was not what the values waited for.
    later.extra = tf.Variable(1.0)
    with pytest.raises(AssertionError, match="no values of net/extra"):
        status.assert_existing_objects_matched()


def test_what_is_attached_to_a_checkpoint_gets_its_values_once(tmp_path: Path) -> None:
    path = saved(tmp_path, v=tf.Variable(3.0), w=tf.Variable([1.0, 2.0]), net=model())
    checkpoint = tf.train.Checkpoint()
    status = checkpoint.restore(path)
    checkpoint.v = first = tf.Variable(0.0)
    assert float(first) == 3
    checkpoint.v = tf.Variable(5.0)
    assert (float(checkpoint.v), float(first)) == (5.0, 3.0)
    with pytest.raises(ValueError, match=r"'w' in the shape \(2,\); the variable has \(3,\)"):
        checkpoint.w = tf.Variable([1.0, 2.0, 3.0])
    assert not hasattr(checkpoint, "w")
    checkpoint.w = tf.Variable([0.0, 0.0])
    status.assert_consumed()
    assert float(checkpoint.w[1]) == 2 and "_waits" not in vars(checkpoint)
    other = tf.train.Checkpoint()
    other.restore(path)
    other.restore(saved(tmp_path, v=tf.Variable(4.0)))  # The later one counts.
    other.v = tf.Variable(0.0)
    assert float(other.v) == 4


def test_models_attached_later_are_built_later(tmp_path: Path) -> None:
    net = model()
    wanted = net(X)
    path, checkpoint = saved(tmp_path, net=net), tf.train.Checkpoint()
    status = checkpoint.restore(path)
    checkpoint.net = model()
    np.testing.assert_array_equal(checkpoint.net(X), wanted)
    status.assert_consumed()


def test_other_shapes_change_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path, a=tf.Variable(1.0), b=tf.Variable([1.0, 2.0]))
    a, b = tf.Variable(5.0), tf.Variable([5.0])
    with pytest.raises(ValueError, match=r"'b' in the shape \(2,\); the variable has \(1,\)"):
        tf.train.Checkpoint(a=a, b=b).restore(path)
    assert float(a) == 5.0


def test_what_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path, a=tf.Variable(1.0))
    assert os.path.basename(path) == "ckpt-1" and tf.train.latest_checkpoint(str(tmp_path)) == path
    with pytest.raises(AssertionError, match="no values of other"):
        tf.train.Checkpoint(other=tf.Variable(1.0)).restore(path).assert_existing_objects_matched()
    with pytest.raises(AssertionError, match="Nothing of the checkpoint was used"):
        tf.train.Checkpoint(other=tf.Variable(1.0)).restore(None).assert_nontrivial_match()
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*ckpt-7.* There are ckpt-1"):
        tf.train.Checkpoint(a=tf.Variable(1.0)).restore(str(tmp_path / "ckpt-7"))
    with pytest.raises(ValueError, match="step=3 holds no variables"):
        tf.train.Checkpoint(step=3)
    (tmp_path / "ckpt-1.index").write_bytes(b"nothing")
    with pytest.raises(DataError, match="is no checkpoint that `trivium run` wrote, or is damaged"):
        tf.train.Checkpoint(a=tf.Variable(1.0)).restore(path)
    assert tf.train.latest_checkpoint(str(tmp_path / "none")) is None


def test_a_manager_keeps_the_latest(tmp_path: Path) -> None:
    step = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(step=step)
    manager = tf.train.CheckpointManager(
        checkpoint, str(tmp_path), max_to_keep=2, step_counter=step, checkpoint_interval=2
    )
    assert manager.restore_or_initialize() is None
    made = []
    for _ in range(6):
        step.assign_add(1)
        made.append(manager.save() is not None)
    assert made == [True, False] * 3
    assert [os.path.basename(p) for p in manager.checkpoints] == ["ckpt-2", "ckpt-3"]
    assert sorted(p.name for p in tmp_path.glob("*.index")) == ["ckpt-2.index", "ckpt-3.index"]
    step.assign(0)
    again = tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=2)
    assert again.restore_or_initialize() == manager.latest_checkpoint and int(step) == 5
    assert os.path.basename(again.save()) == "ckpt-4"


def test_what_is_in_a_file_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path, v=tf.Variable([1.0]))
    with pytest.raises(KeyError, match=r"Did you mean 'v/\.ATTRIBUTES/VARIABLE_VALUE'"):
        tf.train.load_checkpoint(path).get_tensor("v/.ATTRIBUTES/VARIABLE")
    with pytest.raises(ValueError, match="find a checkpoint in the folder"):
        tf.train.list_variables(tmp_path / "..")
