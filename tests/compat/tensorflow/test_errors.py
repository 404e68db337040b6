"""Errors are TensorFlow's and Python's at once."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from trivium.compat import active
from trivium.compat.tensorflow.errors import as_tensorflow_s
from trivium.data.checks import DataError

with active():
    import tensorflow as tf

    errors = tf.errors


@pytest.fixture(autouse=True)
def as_in_a_program() -> Any:
    with active():
        yield


RAISED: dict[str, Any] = {
    "reshape": (lambda: tf.reshape([1, 2], [3]), "InvalidArgumentError", TypeError),
    "operator": (lambda: tf.ones(2) + tf.ones(3), "InvalidArgumentError", TypeError),
    "index": (lambda: tf.ones((2, 3))[0, ..., None][1, -4], "InvalidArgumentError", IndexError),
    "variable": (lambda: tf.Variable([1.0]).assign([1.0, 2.0]), "InvalidArgumentError", ValueError),
    "strings": (lambda: tf.strings.to_number(["x"]), "InvalidArgumentError", DataError),
    "rows": (lambda: tf.RaggedTensor.from_row_splits([1], [0, 5]), "InvalidArgumentError", DataError),
    "folder": (lambda: tf.io.gfile.listdir("no-such"), "NotFoundError", FileNotFoundError),
    "no folder": (lambda: tf.io.gfile.listdir(__file__), "FailedPreconditionError", OSError),
    "table": (
        lambda: tf.lookup.TextFileInitializer("no-such", tf.string, 0, tf.int64, 1),
        "NotFoundError", FileNotFoundError,
    ),
    "checkpoint": (
        lambda: tf.train.Checkpoint().restore("no-such"), "NotFoundError", FileNotFoundError,
    ),
    "end": (lambda: iter(tf.data.Dataset.range(0)).get_next(), "OutOfRangeError", StopIteration),
}  # fmt: skip


@pytest.mark.parametrize("case", RAISED)
def test_an_error_is_caught_by_both_names(case: str) -> None:
    call, name, python = RAISED[case]
    for caught in (getattr(errors, name), python, errors.OpError, (KeyError, python)):
        with pytest.raises(caught) as raised:
            call()
    error: Any = raised.value
    assert error.message == str(error) and error.message and error.node_def is error.op is None
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is type(error) and str(other) == str(error) and other.args == error.args


def test_what_a_program_raises_stays_its_own() -> None:
    mine = ValueError("mine")

    def wrong(*x: Any) -> Any:
        raise mine

    for call in (lambda: tf.map_fn(wrong, tf.ones(2)), lambda: tf.cond(True, wrong, wrong)):
        with pytest.raises(ValueError, match=r"^mine$") as raised:
            call()
        assert raised.value is mine
    with pytest.raises(errors.UnknownError) as unknown:
        tf.py_function(lambda x: {}["key"], [1.0], tf.float32)
    assert isinstance(unknown.value, KeyError)


class Mine(Exception):
    pass


@pytest.mark.parametrize(
    ("kind", "name"),
    [(KeyError, "Unknown"), (ValueError, "InvalidArgument"), (FileNotFoundError, "Unknown"), (Mine, "Unknown"),
     (NotImplementedError, "Unimplemented"), (tf.errors.AbortedError, "Aborted")],
)  # fmt: skip
def test_what_a_generator_raises_has_both_classes(kind: Any, name: str) -> None:
    def numbers() -> Any:
        yield 1
        raise kind(None, None, "all gone") if name == "Aborted" else kind("all gone")

    dataset = tf.data.Dataset.from_generator(numbers, output_signature=tf.TensorSpec((), tf.int32))
    for caught in (kind, getattr(errors, f"{name}Error")):
        for read in (dataset, dataset.batch(4), dataset.map(lambda x: x).prefetch(1)):
            with pytest.raises(caught, match="all gone"):
                list(read)
    assert [int(x) for x in dataset.ignore_errors()] == [1]
    if name != "Aborted":
        for call in (tf.py_function, tf.numpy_function):
            with pytest.raises(kind, match=f"^{kind.__name__}: .*all gone") as raised:
                call(lambda: list(numbers()), [], tf.int32)
            assert isinstance(raised.value, getattr(errors, f"{name}Error"))


def test_what_a_generator_yields_is_of_the_shapes_that_were_said() -> None:
    def rows() -> Any:
        yield [1.0, 2.0], {"a": 1}
        yield [1.0], {"a": 1}

    def read(*shape: Any, **more: Any) -> list[Any]:
        types = tf.float32, {"a": tf.int32}
        return list(tf.data.Dataset.from_generator(rows, types, (shape, {"a": more.get("a", [])})))

    assert len(read(None)) == 2
    for call in (lambda: read(2), lambda: read(None, None), lambda: read(None, a=[1])):
        with pytest.raises(errors.InvalidArgumentError, match=r"of shape \(.*; the signature says"):
            call()


def test_errors_of_files_keep_what_they_know(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFoundError) as raised:
        tf.io.gfile.remove(tmp_path / "x")
    assert raised.value.filename == str(tmp_path / "x") and raised.value.errno == 2


def test_a_failed_check_leaves_variables_as_they_are() -> None:
    total = tf.Variable(0.0)

    @tf.function
    def add(x: Any) -> Any:
        tf.debugging.assert_positive(x)
        return total.assign_add(x)

    for x in (1.0, -2.0, 3.0):
        if x > 0:
            add(tf.constant(x))
        else:
            with pytest.raises(errors.InvalidArgumentError, match="x is -2"):
                add(tf.constant(x))
    assert float(total) == 4


def test_a_part_that_is_there_is_taken() -> None:
    x = tf.reshape(tf.range(6), (2, 3))
    assert int(x[-2, 2]) == 2 and x[None, 1].shape == (1, 3)
    assert int(x[..., 2][1]) == 5 and x[np.array([0, 1]), 2].shape == (2,)
    with pytest.raises(IndexError, match="index 2 is outside of axis 0, which has 2"):
        x[2]


def test_python_has_its_own_errors_back() -> None:
    def raised() -> type:
        with pytest.raises(TypeError) as error:
            jnp.ones(2) + jnp.ones(3)
        return error.type

    assert issubclass(raised(), errors.InvalidArgumentError)
    from trivium.compat.hook import install, uninstall

    uninstall()
    try:
        assert raised() is TypeError and int(jnp.arange(3)[5]) == 2
    finally:
        install()


def test_statuses_of_xla() -> None:
    import jax

    error = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
    assert isinstance(as_tensorflow_s(error), errors.ResourceExhaustedError)
    assert as_tensorflow_s(LookupError("another matter")).args == ("another matter",)
