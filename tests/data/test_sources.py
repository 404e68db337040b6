"""Array sources: order, batches, splits, and arguments that do not fit."""

from __future__ import annotations

import subprocess
import sys
import zlib
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.data import (
    ArraySource,
    class_weights_to_sample_weights,
    make_source,
    validation_split,
)

COUNT, SIZE, SEED = st.integers(1, 60), st.integers(1, 20), st.integers(0, 2**32 - 1)
X, Y = np.zeros((6, 2), "float32"), np.arange(6)


def rows(count: int, **kwargs: Any) -> ArraySource:
    source = make_source(np.arange(count), **kwargs)
    assert isinstance(source, ArraySource)
    return source


@settings(deadline=None, max_examples=60)
@given(COUNT, SIZE, SEED, st.integers(0, 10**9))
def test_an_order_is_a_permutation_that_seed_and_step_fix(
    count: int, size: int, seed: int, step: int
) -> None:
    source = rows(count, batch_size=size, shuffle=True)
    order = source.order(seed, step)
    assert order.dtype == np.int32
    assert sorted(order.tolist()) == list(range(count))
    again = rows(count, batch_size=size, shuffle=True)
    again.order(seed + 1, step)
    np.testing.assert_array_equal(again.order(seed, step), order)
    assert -(-count // size) == source.num_batches


@settings(deadline=None, max_examples=60)
@given(COUNT, SIZE, SEED)
def test_batch_shuffling_keeps_batches_whole_and_the_partial_one_last(
    count: int, size: int, seed: int
) -> None:
    order = rows(count, batch_size=size, shuffle="batch").order(seed, 0)
    batches = [order[i : i + size].tolist() for i in range(0, count, size)]
    plain = [list(range(i, min(i + size, count))) for i in range(0, count, size)]
    assert sorted(batches) == plain
    if count % size:
        assert batches[-1] == plain[-1]


@settings(deadline=None, max_examples=60)
@given(COUNT, SIZE, SEED, st.integers(1, 20), st.sampled_from([True, False, "batch"]))
@pytest.mark.filterwarnings("ignore:fit. the data ran out")
def test_epochs_of_some_steps_go_through_the_data_once_a_pass(
    count: int, size: int, seed: int, steps: int, shuffle: bool | str
) -> None:
    limited = rows(count, batch_size=size, steps=steps, shuffle=shuffle)
    whole = rows(count, batch_size=size, shuffle=shuffle)
    step = 0
    for _ in range(2):
        began, seen = step, []
        while step - began < whole.num_batches:
            order = limited.order(seed, step)
            seen += order.tolist()
            step += -(-len(order) // size)
        assert step - began == whole.num_batches
        assert seen == whole.order(seed, began).tolist()


def test_orders_differ_between_steps_and_seeds() -> None:
    source = rows(50, shuffle=True)
    orders = [source.order(seed, step).tolist() for seed in (0, 1) for step in (0, 2)]
    assert len({tuple(order) for order in orders}) == 4


def test_another_process_gets_the_same_order() -> None:
    code = (
        "import numpy, zlib; from trivium.data import make_source;"
        "s = make_source(numpy.arange(1000), shuffle=True);"
        "print(zlib.crc32(s.order(42, 7).tobytes()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == zlib.crc32(rows(1000, shuffle=True).order(42, 7).tobytes())


def test_only_training_goes_on_where_it_stopped() -> None:
    assert rows(6, batch_size=2, steps=1, what="fit").order(0, 2).tolist() == [4, 5]
    for what in ("evaluate", "predict", "validation_data"):
        assert rows(6, batch_size=2, steps=1, what=what).order(0, 2).tolist() == [0, 1]


def test_an_epoch_cut_short_is_warned_of() -> None:
    source = rows(6, batch_size=2, steps=2)
    with pytest.warns(UserWarning, match=r"after 1 of 2 steps.*Leave `steps_per_epoch` out"):
        assert source.order(0, 2).tolist() == [4, 5]
    source = rows(6, batch_size=2, steps=4, what="validation_data")
    with pytest.warns(UserWarning, match=r"after 3 of 4 steps.*`validation_steps`"):
        source.order(0, 0)


def test_a_source_tells_its_sizes() -> None:
    source = make_source(X, Y, batch_size=4)
    assert (source.num_batches, source.num_samples, source.batch_size) == (2, 6, 4)
    assert source.nbytes == 6 * 2 * 4 + 6 * 4
    assert make_source(X).batch_size == 32
    assert make_source(X, steps=4).batch_size == 2
    assert make_source(X, batch_size=np.int64(2), steps=2).num_batches == 2
    shared = make_source(X, [Y, Y.astype("float32")], np.ones(6, "float32"))
    assert shared.nbytes == 6 * 2 * 4 + 6 * 4 + 6 * 4 + 6 * 4


def test_an_example_is_a_first_batch_without_a_copy() -> None:
    source = make_source({"a": X}, Y.astype("int32"), batch_size=4)
    x, y = source.example()
    assert x["a"].shape == (4, 2) and np.shares_memory(x["a"], X)
    assert y.tolist() == [0, 1, 2, 3]
    assert not source.exhausted


ARGUMENTS: dict[str, tuple[dict, str]] = {
    "batch_size 0": ({"batch_size": 0}, "`batch_size` is a whole number of at least 1.*got 0"),
    "batch_size below 0": ({"batch_size": -1}, "`batch_size`.*got -1"),
    "batch_size 2.5": ({"batch_size": 2.5}, "`batch_size`.*got 2.5"),
    "batch_size True": ({"batch_size": True}, "`batch_size`.*got True"),
    "steps 0": ({"steps": 0}, "`steps_per_epoch`.*got 0"),
    "validation steps": ({"steps": -1, "what": "validation_data"}, "^validation_data: `validation"),
    "steps as text": ({"steps": "all", "what": "evaluate"}, "^evaluate: `steps` .*got 'all'"),
    "shuffle": ({"shuffle": "batches"}, "`shuffle` is True, False or \"batch\"; got 'batches'"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_out_of_range_are_refused(name: str) -> None:
    kwargs, message = ARGUMENTS[name]
    with pytest.raises(ValueError, match=message):
        make_source(X, Y, **kwargs)


def test_arrays_of_different_lengths_are_listed() -> None:
    x = {"image": np.zeros((5, 2, 2)), "age": np.zeros(6)}
    with pytest.raises(ValueError) as caught:
        make_source(x, [Y, Y[:4]], np.ones(6))
    text = str(caught.value)
    for line in (
        '  x["image"]: 5 (shape (5, 2, 2))',
        '  x["age"]: 6 (shape (6,))',
        "  y[1]: 4 (shape (4,))",
        "  sample_weight: 6 (shape (6,))",
    ):
        assert line in text.splitlines()


def test_a_list_of_samples_gets_the_hint_to_stack_them() -> None:
    samples = [np.zeros((28, 28)) for _ in range(100)]
    with pytest.raises(ValueError, match=r"… and 93 more") as caught:
        make_source(samples, np.zeros(100))
    assert "A list of 100 arrays means 100 inputs" in str(caught.value)
    assert "np.stack(x)" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 12


WEIGHTS: dict[str, tuple[Any, Any, str]] = {
    "length": (Y, np.ones(5), r"sample_weight: 5 \(shape \(5,\)\)"),
    "a dimension too many": (Y, np.ones((6, 2)), r"`sample_weight` has shape \(6, 2\), but `y` ha"),
    "other steps": (
        np.zeros((6, 4, 3)),
        np.ones((6, 5)),
        r"`sample_weight` has shape \(6, 5\), but `y` has shape \(6, 4, 3\).*one a step.*\(6, 4\)",
    ),
    "one array of steps for two outputs": (
        [Y, Y],
        np.ones((6, 4)),
        r"`sample_weight` has shape \(6, 4\).*one array for each output",
    ),
    "other keys": (
        {"a": Y, "b": Y},
        {"a": np.ones(6)},
        r"`sample_weight` is a dict with the keys \['a'\], but `y` is a dict with .*\['a', 'b'\]",
    ),
    "other number": ([Y, Y], [np.ones(6)], r"is a list of 1, but `y` is a list of 2"),
    "a list for one output": (Y, [np.ones(6)], r"is a list of 1, but `y` is one array of shape"),
    "in an output": (
        {"a": [Y, Y]},
        {"a": [np.ones(6), np.ones((6, 3))]},
        r'`sample_weight\["a"\]\[1\]` has shape \(6, 3\), but `y\["a"\]\[1\]` has shape',
    ),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_sample_weights_that_do_not_fit_are_refused(name: str) -> None:
    y, weight, message = WEIGHTS[name]
    with pytest.raises(ValueError, match=rf"(?s)^fit: .*{message}"):
        make_source(X, y, weight)


def test_an_output_may_have_no_weights() -> None:
    _, _, weight = make_source(X, {"a": Y, "b": Y}, {"a": None, "b": np.ones(6)}).data
    assert weight["a"] is None and weight["b"].tolist() == [1.0] * 6


CLASS_WEIGHTS: dict[str, tuple[Any, Any, str]] = {
    "missing classes": (Y, {0: 1.0, 1: 1.0}, r"no weight for the class\(es\) 2, 3, 4, 5"),
    "missing one-hot class": (np.eye(6), {0: 1.0}, r"no weight for the class\(es\) 1, 2, 3"),
    "two outputs": ([Y, Y], {0: 1.0}, r"single output.*got `y` as a list"),
    "no targets": (None, {0: 1.0}, r"got no `y`"),
    "no dict": (Y, [1.0, 2.0], r"got list.*dict\(enumerate\(weights\)\)"),
    "no number": (Y, dict.fromkeys(range(6), "a"), r"`class_weight\[0\]` is a number; got 'a'"),
    "no classes": (Y + 0.5, {0: 1.0}, r"no whole numbers.*`sample_weight`"),
    "many labels a sample": (np.arange(12).reshape(6, 2), {0: 1.0}, r"values from 0 to 11"),
    "a sequence of labels": (
        np.array([[0, 1], [1, 1]] * 3),
        {0: 1.0, 1: 2.0},
        r"y\[\.\.\., None\]",
    ),
}


@pytest.mark.parametrize("name", CLASS_WEIGHTS)
def test_class_weights_that_do_not_fit_are_refused(name: str) -> None:
    y, weights, message = CLASS_WEIGHTS[name]
    with pytest.raises(ValueError, match=rf"^fit: .*{message}"):
        make_source(X, y, class_weight=weights)


def test_class_weights_and_sample_weights_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="`sample_weight` and `class_weight` were both given"):
        make_source(X, Y, np.ones(6), class_weight={0: 1.0})


def test_class_weights_of_sequences_and_images() -> None:
    labels = np.array([[[0], [1]], [[1], [1]]])
    weights = {0: 1.0, 1: 3.0}
    assert class_weights_to_sample_weights(labels, weights).tolist() == [[1.0, 3.0], [3.0, 3.0]]
    assert class_weights_to_sample_weights(
        jnp.asarray(np.eye(2)[labels[..., 0]]), weights
    ).tolist() == [[1.0, 3.0], [3.0, 3.0]]


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 200), st.floats(0.01, 0.99))
def test_a_split_parts_all_samples_in_order(count: int, fraction: float) -> None:
    data = (np.arange(count), {"a": [np.arange(count) * 2]}, None)
    cut = int(np.floor(count * (1.0 - fraction)))
    if cut == 0:
        with pytest.raises(ValueError, match=r"parts .* samples into 0 to train on"):
            validation_split(data, fraction)
        return
    train, validation = validation_split(data, fraction)
    assert len(train[0]) == cut
    assert np.concatenate([train[0], validation[0]]).tolist() == list(range(count))
    assert (validation[1]["a"][0] == 2 * validation[0]).all()
    assert train[2] is None and validation[2] is None


def test_a_split_does_not_copy() -> None:
    for part in validation_split((X,), 0.5):
        assert np.shares_memory(part[0], X)
        assert make_source(part[0]).data[0] is part[0]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan"), True, "half"])
def test_a_split_out_of_range_is_refused(fraction: Any) -> None:
    with pytest.raises(ValueError, match=r"`validation_split` .*between 0 and 1.*got"):
        validation_split((X, Y), fraction)


def test_a_split_needs_arrays() -> None:
    with pytest.raises(ValueError, match=r"`x` is a list_iterator.*Give `validation_data`"):
        validation_split((iter([]), None), 0.5)
    with pytest.raises(ValueError, match="parts 1 samples into 0"):
        validation_split((X[:1], Y[:1]), 0.5)
