from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trivium as tv
from trivium.data import Dataset
from trivium.data.pipeline.stages import Elements

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype("float32")
Y = RNG.integers(0, 3, 50)


def lists(dataset: Any) -> list[Any]:
    """Return what a dataset gives, as lists."""
    return [jax.tree.map(lambda a: np.asarray(a).tolist(), element) for element in dataset]


def numbers(count: int) -> Any:
    return Dataset.from_tensor_slices(np.arange(count))


def streamed(count: int) -> Any:
    """The same numbers as no rows of an array."""
    return Dataset.from_generator(lambda: iter(range(count)), output_types="int32")


@pytest.mark.parametrize("source", [numbers, streamed])
@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        (lambda d: d.batch(3), [[0, 1, 2], [3, 4, 5], [6]]),
        (lambda d: d.batch(3, drop_remainder=True), [[0, 1, 2], [3, 4, 5]]),
        (lambda d: d.take(3), [0, 1, 2]),
        (lambda d: d.take(-1).skip(5), [5, 6]),
        (lambda d: d.skip(-1), []),
        (lambda d: d.skip(2).batch(4).take(1), [[2, 3, 4, 5]]),
        (lambda d: d.batch(2).skip(2), [[4, 5], [6]]),
        (lambda d: d.batch(2).take(2).prefetch(2), [[0, 1], [2, 3]]),
        (lambda d: d.take(2).repeat(2), [0, 1, 0, 1]),
        (lambda d: d.take(3).repeat().batch(4).take(2), [[0, 1, 2, 0], [1, 2, 0, 1]]),
        (lambda d: d.map(lambda i: i * 10).take(2), [0, 10]),
        (lambda d: d.map(lambda i: (i, i + 1)).batch(4).take(1), [([0, 1, 2, 3], [1, 2, 3, 4])]),
        (lambda d: d.map(lambda i: {"a": i}).map(lambda e: e["a"] + 1).take(2), [1, 2]),
        (lambda d: d.batch(3).map(lambda i: i + 1), [[1, 2, 3], [4, 5, 6], [7]]),
        (lambda d: d.filter(lambda i: i % 3 == 0), [0, 3, 6]),
        (lambda d: d.filter(lambda i: i > 4).batch(2), [[5, 6]]),
        (lambda d: d.shard(3, 1), [1, 4]),
        (lambda d: d.take(2).concatenate(d.skip(6)), [0, 1, 6]),
        (lambda d: d.take(2).enumerate(start=5), [(5, 0), (6, 1)]),
        (lambda d: d.batch(4).unbatch().skip(4), [4, 5, 6]),
        (lambda d: d.take(2).flat_map(lambda i: Dataset.from_tensor_slices([i, i])), [0, 0, 1, 1]),
        (lambda d: d.batch(2).cache().cache().repeat(2).take(5),
         [[0, 1], [2, 3], [4, 5], [6], [0, 1]]),
        (lambda d: d.apply(lambda e: e.take(1)), [0]),
        (lambda d: Dataset.zip((d, d.map(lambda i: -i))).take(2), [(0, 0), (1, -1)]),
        (lambda d: d.repeat(0), []),
    ],
)  # fmt: skip
def test_pipelines(source: Any, steps: Any, wanted: list[Any]) -> None:
    dataset = steps(source(7))
    assert lists(dataset) == wanted
    assert lists(dataset) == wanted  # and again
    if source is numbers and dataset.cardinality() >= 0:
        assert len(dataset) == len(wanted)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.sampled_from(["take", "skip", "repeat", "shuffle", "batch"]), min_size=1, max_size=5
    ),
    st.data(),
)
def test_rows_are_what_single_elements_give(steps: list[str], data: Any) -> None:
    """The short way over numbers of rows, and the long one over elements, agree in every pipeline."""
    tv.utils.set_random_seed(0)
    short, long = numbers(9), Dataset(Elements(numbers(9)._elements.read, 9))
    for i, step in enumerate(steps):
        if step != "batch" or "batch" not in steps[:i]:
            # Five repetitions of twelve times would be millions of elements.
            size = data.draw(st.integers(1, 3 if step == "repeat" else 12), step)
            short, long = (getattr(d, step)(size) for d in (short, long))
    assert short.cardinality() == long.cardinality()
    assert lists(short) == lists(long)
    assert lists(short) == lists(long)


def test_shuffle_draws_anew_at_each_pass_and_follows_the_seed() -> None:
    def passes(dataset: Any) -> list[Any]:
        return [lists(dataset) for _ in range(3)]

    for build in (
        lambda: numbers(20).shuffle(20),
        lambda: numbers(20).shuffle(5),
        lambda: streamed(20).shuffle(5),
        lambda: numbers(20).batch(4).shuffle(5),
        lambda: numbers(20).shuffle(20).shuffle(20),
        lambda: numbers(20).shuffle(20).repeat(2),
    ):
        tv.utils.set_random_seed(1)
        first = passes(build())
        tv.utils.set_random_seed(1)
        assert passes(build()) == first
        assert first[0] != first[1] != first[2]
        tv.utils.set_random_seed(2)
        assert passes(build()) != first
        assert sorted(np.ravel(first[0]).tolist())[:20] == sorted(np.ravel(first[1]).tolist())[:20]


def test_shuffle_with_a_seed_and_one_order_for_all_passes() -> None:
    tv.utils.set_random_seed(1)
    own = lists(numbers(20).shuffle(20, seed=9))
    tv.utils.set_random_seed(2)
    assert lists(numbers(20).shuffle(20, seed=9)) == own
    fixed = numbers(20).shuffle(20, reshuffle_each_iteration=False)
    assert lists(fixed) == lists(fixed)
    twice = lists(numbers(20).shuffle(20).repeat(2))
    assert twice[:20] != twice[20:]


def test_buffer_bounds_how_far_an_element_comes_forward() -> None:
    order = lists(numbers(30).shuffle(4))
    assert all(value < place + 4 for place, value in enumerate(order)) and order != sorted(order)


def test_sources() -> None:
    assert lists(Dataset.range(2, 8, 2)) == [2, 4, 6]
    assert lists(Dataset.from_tensors(([1, 2], 3))) == [([1, 2], 3)]
    assert lists(Dataset.from_tensor_slices({"a": [1, 2], "b": ([3, 4],)})) == [
        {"a": 1, "b": (3,)},
        {"a": 2, "b": (4,)},
    ]
    spec = (jax.ShapeDtypeStruct((2,), "float32"), {"n": jax.ShapeDtypeStruct((), "int32")})
    typed = Dataset.from_generator(lambda: iter([([1, 2], {"n": 3})]), output_signature=spec)
    ((x, y),) = typed
    assert x.dtype == "float32" and y["n"].dtype == "int32"
    counted = Dataset.from_generator(lambda n: iter(range(n)), args=(3,), output_types="int32")
    assert lists(counted) == [0, 1, 2]
    pairs = Dataset.zip(numbers(3), Dataset.from_tensor_slices(X[:3]))
    assert [len(e) for e in pairs] == [2, 2, 2]
    assert lists(Dataset.from_tensor_slices(["a", "b"]).batch(2)) == [["a", "b"]]
    with pytest.raises(ValueError, match=r"different numbers of rows, \[2, 3\]"):
        Dataset.from_tensor_slices(([1, 2], [1, 2, 3]))


def test_elements_are_jax_arrays_and_numpy_s_on_demand() -> None:
    dataset = Dataset.from_tensor_slices((X, Y)).batch(10)
    x, y = next(iter(dataset))
    assert isinstance(x, jax.Array) and isinstance(y, jax.Array)
    assert type(next(dataset.as_numpy_iterator())[0]) is np.ndarray
    assert dataset.element_spec[0] == jax.ShapeDtypeStruct((10, 4), "float32")
    assert int(numbers(4).reduce(0, lambda total, i: total + i)) == 6


def test_lengths() -> None:
    assert len(numbers(7).repeat(2).batch(4)) == 4 and bool(numbers(0))
    assert numbers(7).repeat().batch(2).cardinality() == -1
    unknown = numbers(7).filter(lambda i: i > 2)
    assert unknown.cardinality() == -2
    with pytest.raises(TypeError, match="is not known before it was read"):
        len(unknown)
    with pytest.raises(TypeError, match="has no end"):
        len(numbers(7).repeat())


def test_map_before_batch_is_traced_once_where_it_can_be() -> None:
    calls: list[Any] = []

    def scaled(x: Any) -> Any:
        calls.append(x)
        return tv.ops.cast(x, "float32") / 10.0

    assert lists(numbers(6).map(scaled).batch(3)) == [
        pytest.approx([0.0, 0.1, 0.2]),
        pytest.approx([0.3, 0.4, 0.5]),
    ]
    assert len(calls) == 1 and isinstance(calls[0], jax.core.Tracer)

    def branching(x: Any) -> Any:
        return x if x > 2 else np.float32(-1)

    assert lists(numbers(6).map(branching).batch(6)) == [[-1, -1, -1, 3, 4, 5]]
    with pytest.raises(ZeroDivisionError):
        lists(numbers(6).map(lambda x: 1 // 0).batch(2))


def test_random_numbers_in_map_differ_from_row_to_row() -> None:
    noisy = numbers(8).map(lambda i: tv.random.uniform(())).batch(8)
    assert len(set(lists(noisy)[0])) == 8


# -- in fit -----------------------------------------------------------------------------------------------------


def model() -> Any:
    tv.utils.set_random_seed(3)
    made = tv.Sequential([tv.Input((4,)), tv.layers.Dense(5, "tanh"), tv.layers.Dense(3)])
    loss = tv.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile("sgd", loss, metrics=["accuracy"])
    return made


def trained(*data: Any, **kwargs: Any) -> list[Any]:
    made = model()
    made.fit(*data, **({"epochs": 3, "verbose": 0} | kwargs))
    weights: list[Any] = made.get_weights()
    return weights


def same(a: list[Any], b: list[Any]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def rows() -> Any:
    return Dataset.from_tensor_slices((X, Y))


def test_shuffled_batches_train_as_the_arrays_do_to_the_bit() -> None:
    wanted = trained(X, Y, batch_size=16)
    assert same(trained(rows().shuffle(50).batch(16).prefetch(2)), wanted)
    mapped = rows().map(lambda x, y: (x * 1.0, y)).shuffle(100).batch(16)
    assert same(trained(mapped), wanted)
    assert not same(trained(rows().shuffle(10).batch(16)), wanted)
    assert same(trained(rows().batch(16)), trained(X, Y, batch_size=16, shuffle=False))


def test_ten_fits_of_an_epoch_are_one_fit_of_ten() -> None:
    for build in (
        lambda: rows().shuffle(50).batch(16),
        lambda: rows().batch(16).shuffle(3),
        lambda: rows().shuffle(50).batch(16).map(lambda x, y: (x, y)),
    ):
        whole = trained(build(), epochs=3)
        made, dataset = model(), build()
        for _ in range(3):
            made.fit(dataset, epochs=1, verbose=0)
        assert same(made.get_weights(), whole)


@pytest.mark.parametrize(
    "build",
    [
        lambda: rows().repeat(2).batch(16),
        lambda: rows().shuffle(50).take(40).batch(16, drop_remainder=True),
        lambda: rows().skip(10).shard(2, 0).batch(8),
        lambda: rows().batch(16).skip(1),
        lambda: rows().batch(16).repeat(2),
        lambda: rows().filter(lambda x, y: y > 0).batch(8),
        lambda: Dataset.from_generator(lambda: batches(), output_types=("float32", "int32")),
    ],
)
def test_fit_takes_the_batches_that_reading_gives(build: Any) -> None:
    """One epoch on a dataset is a step on each of its batches."""
    made = model()
    made.fit(build(), epochs=1, verbose=0)
    by_hand = model()
    for x, y in build():
        by_hand.train_on_batch(x, y) if hasattr(by_hand, "train_on_batch") else by_hand.fit(
            x, y, batch_size=len(x), shuffle=False, verbose=0
        )
    for a, b in zip(made.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def batches() -> Iterator[Any]:
    for i in range(0, 50, 20):
        yield X[i : i + 20], Y[i : i + 20]


def test_without_end_the_steps_are_given() -> None:
    endless = rows().shuffle(50).repeat().batch(16).map(lambda x, y: (x, y))
    history = (made := model()).fit(endless, epochs=2, steps_per_epoch=4, verbose=0).history
    assert len(history["loss"]) == 2 and int(made.optimizer.iterations) == 8
    finite = rows().batch(10)
    made = model()
    made.fit(finite, epochs=2, steps_per_epoch=2, verbose=0)
    assert int(made.optimizer.iterations) == 4


def test_evaluate_predict_and_validation() -> None:
    made = model()
    wanted = made.evaluate(X, Y, batch_size=16, verbose=0)
    assert made.evaluate(rows().batch(16), verbose=0) == wanted
    streamed_rows = rows().batch(16).map(lambda x, y: (x, y))
    assert made.evaluate(streamed_rows, verbose=0) == pytest.approx(wanted)
    inputs = Dataset.from_tensor_slices(X).batch(16)
    outputs = made.predict(inputs, verbose=0)
    # Batches that come as such are computed as such. Of arrays a step has as many rows as is fast, and may round
    # otherwise.
    batches = (X[i : i + 16] for i in range(0, len(X), 16))
    np.testing.assert_array_equal(outputs, made.predict(batches, verbose=0))
    np.testing.assert_allclose(
        outputs, made.predict(X, batch_size=16, verbose=0), rtol=1e-6, atol=1e-7
    )
    history = made.fit(rows().batch(16), validation_data=rows().batch(25), verbose=0).history
    assert {"loss", "val_loss", "val_accuracy"} <= set(history)


def test_sample_weights_and_class_weights() -> None:
    weights = np.where(Y == 1, 3.0, 1.0)
    wanted = trained(X, Y, sample_weight=weights, batch_size=16, shuffle=False)
    weighted = Dataset.from_tensor_slices((X, Y, weights)).batch(16)
    assert same(trained(weighted), wanted)
    assert same(trained(rows().batch(16), class_weight={0: 1.0, 1: 3.0, 2: 1.0}), wanted)


def test_inputs_by_name() -> None:
    a, b = tv.Input((4,), name="a"), tv.Input((1,), name="b")
    made = tv.Model({"a": a, "b": b}, tv.layers.Dense(1)(tv.layers.Concatenate()([a, b])))
    made.compile("sgd", "mse")
    given_rows = Dataset.from_tensor_slices(({"a": X, "b": X[:, :1]}, X.sum(1))).batch(25)
    assert len(made.fit(given_rows, epochs=2, verbose=0).history["loss"]) == 2


def test_cache_keeps_what_was_drawn() -> None:
    drawn = numbers(6).map(lambda i: tv.random.uniform(())).cache().batch(3)
    assert lists(drawn) == lists(drawn)
    part = numbers(6).map(lambda i: tv.random.uniform(())).cache()
    first = next(iter(part))
    assert float(first) != float(next(iter(part)))  # a pass that stops early keeps nothing
    assert list(itertools.islice(part.batch(2), 1))


def test_cache_keeps_the_order_that_was_drawn_before_it() -> None:
    for build in (lambda: numbers(20).shuffle(20), lambda: numbers(20).shuffle(20).batch(3)):
        kept = build().cache()
        assert lists(kept) == lists(kept)
        assert lists(build()) != lists(build().skip(0).shuffle(20))
    after = numbers(20).cache().shuffle(20)
    assert lists(after) != lists(after)


def test_looking_at_a_dataset_leaves_its_orders_alone() -> None:
    one, other = (Dataset.range(20).shuffle(20) for _ in range(2))
    assert one.element_spec.shape == () and repr(one) == "<Dataset of 20 elements>"
    assert repr(one.repeat()) == "<Dataset of endless elements>"
    assert [int(x) for x in one] == [int(x) for x in other]


def test_rows_that_were_never_batched_are_told_to_be() -> None:
    with pytest.raises(ValueError, match=r"(?s)^fit: batch 0 of the Dataset: .*`\.batch\(32\)`"):
        trained(rows())
    with pytest.raises(AttributeError, match="Did you mean 'Dataset'"):
        tv.data.Datset  # noqa: B018
