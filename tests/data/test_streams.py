"""Streams: generators, loaders of other libraries, and how they end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from trivium.data import StreamSource, make_source


def generate(count: int | None = None) -> Iterator[tuple]:
    for i in itertools.count() if count is None else range(count):
        yield np.full((2, 3), i, "float64"), np.array([i, i])


class Loader:
    """Stands in for a data loader: iterated anew for each epoch, its pairs in lists."""

    def __init__(self, count: int, sized: bool = True) -> None:
        self.count = count
        self.sized = sized
        self.started = 0

    def __iter__(self) -> Iterator[list]:
        self.started += 1
        return (list(batch) for batch in generate(self.count))

    def __len__(self) -> int:
        if not self.sized:
            raise TypeError("the length is not known")
        return self.count


def stream(x: Any, **kwargs: Any) -> StreamSource:
    source = make_source(x, **kwargs)
    assert isinstance(source, StreamSource)
    return source


def numbers(source: StreamSource) -> list[int]:
    return [int(batch[0][0, 0]) for batch in source.batches()]


def test_batches_are_standardized() -> None:
    batch = next(
        stream(({"b": jnp.ones((2, 1)), "a": [[1.5], [2.5]]}, [0, 1]) for _ in range(1)).batches()
    )
    assert list(batch[0]) == ["b", "a"]
    assert all(type(a) is np.ndarray for a in (batch[0]["b"], batch[0]["a"], batch[1]))
    assert (batch[0]["a"].dtype, batch[1].dtype) == (np.float32, np.int32)


def test_a_generator_without_steps_is_one_epoch() -> None:
    source = stream(generate(3))
    assert (source.num_batches, source.num_samples, source.batch_size) == (None, None, None)
    assert numbers(source) == [0, 1, 2]
    assert source.exhausted
    with pytest.warns(UserWarning, match="the generator ran out of data after 0 steps"):
        assert numbers(source) == []


def test_a_generator_goes_on_and_ends_with_a_warning() -> None:
    source = stream(generate(5), steps=2)
    assert source.num_batches == 2
    assert [numbers(source), numbers(source)] == [[0, 1], [2, 3]]
    assert not source.exhausted
    with pytest.warns(UserWarning, match="ran out of data after 1 of 2 steps of this epoch"):
        assert numbers(source) == [4]
    assert source.exhausted


def test_no_more_is_taken_from_a_generator_than_asked_for() -> None:
    generator = generate()
    assert numbers(stream(generator, steps=2)) == [0, 1]
    assert numbers(stream(generator, steps=2)) == [2, 3]


def test_the_example_is_not_lost() -> None:
    source = stream(generate(), steps=2)
    assert source.example()[0][0, 0] == source.example()[0][0, 0] == 0
    assert [numbers(source), numbers(source)] == [[0, 1], [2, 3]]
    loader = Loader(2)
    source = stream(loader)
    source.example()
    assert [numbers(source), numbers(source)] == [[0, 1], [0, 1]]
    assert loader.started == 2


@pytest.mark.parametrize("sized", [True, False])
def test_a_loader_is_iterated_anew_each_epoch(sized: bool) -> None:
    source = stream(Loader(3, sized))
    assert source.num_batches == (3 if sized else None)
    assert [numbers(source), numbers(source)] == [[0, 1, 2], [0, 1, 2]]
    assert source.num_batches == 3
    assert not source.exhausted


@pytest.mark.parametrize("sized", [True, False])
def test_a_loader_with_steps_goes_on_while_training(sized: bool) -> None:
    source = stream(Loader(4, sized), steps=2)
    assert source.num_batches == 2
    assert [numbers(source) for _ in range(3)] == [[0, 1], [2, 3], [0, 1]]
    source = stream(Loader(3, sized), steps=2)
    assert numbers(source) == [0, 1]
    with pytest.warns(UserWarning, match=r"after 1 of 2 steps.*`steps_per_epoch`"):
        assert numbers(source) == [2]
    assert numbers(source) == [0, 1]


def test_a_loader_with_steps_begins_at_the_front_elsewhere() -> None:
    source = stream(Loader(4), steps=2, what="validation_data")
    assert [numbers(source), numbers(source)] == [[0, 1], [0, 1]]


def test_an_iterable_that_cannot_begin_anew_is_told_of() -> None:
    generator = generate(2)

    class Once:
        def __iter__(self) -> Iterator[tuple]:
            return generator

    source = stream(Once())
    assert numbers(source) == [0, 1]
    with pytest.warns(UserWarning, match="the Once ran out of data after 0 steps"):
        assert numbers(source) == []
    assert source.exhausted


@pytest.mark.parametrize("empty", [iter([]), Loader(0)])
def test_a_stream_without_batches_is_refused(empty: Any) -> None:
    with pytest.raises(ValueError, match=r"^fit: the .* gave no batch"):
        stream(empty).example()
    with pytest.raises(ValueError, match=r"gave no batch. Wanted at least one"):
        list(stream(empty).batches())


def test_arrays_alone_and_dicts_alone_are_inputs() -> None:
    items = iter([np.zeros((2, 1)), {"a": np.zeros((2, 1))}, (np.zeros((2, 1)), None)])
    batches = list(stream(items, what="predict").batches())
    assert [len(batch) for batch in batches] == [1, 1, 1]
    assert list(batches[1][0]) == ["a"]


def test_class_weights_become_sample_weights() -> None:
    (_, _, weight), *_ = stream(generate(2), class_weight={0: 0.5, 1: 2.0}).batches()
    assert weight.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match=r"^fit: batch 1 of the generator: `class_weight` has no"):
        list(stream(generate(2), class_weight={0: 0.5}).batches())


def test_one_weight_serves_all_outputs_of_a_batch() -> None:
    y = {"a": np.zeros(2), "b": np.zeros(2)}
    _, _, weight = next(stream(iter([(np.zeros(2), y, np.ones(2))])).batches())
    assert {k: w.tolist() for k, w in weight.items()} == {"a": [1, 1], "b": [1, 1]}


def test_inputs_of_a_graph_may_differ_in_length() -> None:
    item = ({"nodes": np.zeros((5, 2)), "edges": np.zeros((9, 2))}, np.zeros(5))
    (nodes, _), y = next(stream(iter([item])).batches())[0].values(), item[1]
    assert len(nodes) == len(y)


BATCHES: dict[str, tuple[Any, str]] = {
    "a list from a generator": ([np.zeros(2), np.zeros(2)], r"got a list of 2; wanted a tuple"),
    "too many entries": ((np.zeros(2),) * 4, r"got a tuple of 4; wanted a tuple: \(x,\)"),
    "an empty tuple": ((), r"got a tuple of 0"),
    "a number": (3, r"got a int; wanted a tuple"),
    "samples": ((np.zeros(2), np.int64(1)), r"`y` is a single number \(1\)"),
    "lengths": ((np.zeros((2, 1)), np.zeros(3)), r"different numbers.*x: 2.*y: 3"),
    "no samples": ((np.zeros((0, 1)), np.zeros(0)), r"`x` has no samples"),
    "text": ((np.zeros(1), ["a"]), r"`y` holds text \('a' at \[0\]\)"),
    "no inputs": ((None, np.zeros(1)), r"`x` is None"),
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_that_is_none_is_refused_with_its_number(name: str) -> None:
    item, message = BATCHES[name]
    good = (np.zeros((2, 1)), np.zeros(2))
    batches = stream(iter([good, item]), what="evaluate").batches()
    next(batches)
    with pytest.raises(
        ValueError, match=rf"(?s)^evaluate: batch 1 of the list_iterator: .*{message}"
    ):
        next(batches)


def test_the_users_own_error_comes_with_the_batch() -> None:
    def broken() -> Iterator[tuple]:
        yield np.zeros((2, 1)), np.zeros(2)
        raise KeyError("no such file")

    with pytest.raises(KeyError, match="no such file") as caught:
        list(stream(broken()).batches())
    assert caught.value.__notes__ == ["This came up in fit: batch 1 of the generator."]


def test_nan_is_told_once_with_the_batch() -> None:
    def items() -> Iterator[tuple]:
        for i in range(4):
            yield np.full((2, 1), np.nan if i else 0.0), np.zeros(2)

    source = stream(items())
    with pytest.warns(UserWarning) as caught:
        assert len(list(source.batches())) == 4
    assert len(caught) == 1
    assert "fit: batch 1 of the generator: the data holds" in str(caught[0].message)
    assert "`x`: 2 NaN; the first in row 0" in str(caught[0].message)


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_what_a_stream_has_itself_is_refused_beside_it(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^fit: `{name}` was given beside a generator"):
        make_source(generate(), **{name: np.zeros(2)})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "`x` is a object, from which no batches can be read. Pass arrays"),
        (generate, r"`x` is a function.*Call it, and pass what it returns: generate\(\.\.\.\)"),
        (Loader, r"`x` is a type.*Call it, and pass what it returns: Loader\(\.\.\.\)"),
    ],
)
def test_what_is_neither_arrays_nor_a_stream_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_source(value)


def loader_of_grain() -> Any:
    grain = pytest.importorskip("grain")
    return grain.MapDataset.source([(np.full(2, float(i)), i) for i in range(5)]).batch(2)


def loader_of_torch() -> Any:
    data = pytest.importorskip("torch.utils.data", reason="PyTorch is not installed")
    return data.DataLoader([(np.full(2, float(i)), i) for i in range(5)], batch_size=2)


def loader_of_tensorflow() -> Any:
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    rows = np.repeat(np.arange(5.0)[:, None], 2, 1), np.arange(5)
    return tf.data.Dataset.from_tensor_slices(rows).batch(2)


@pytest.mark.parametrize("make", [loader_of_grain, loader_of_torch, loader_of_tensorflow])
def test_loaders_of_other_libraries(make: Any) -> None:
    source = make_source(make(), what="fit")
    for _ in range(2):
        batches = list(source.batches())
        assert [x.tolist() for x, _ in batches] == [[[0, 0], [1, 1]], [[2, 2], [3, 3]], [[4, 4]]]
        assert [y.tolist() for _, y in batches] == [[0, 1], [2, 3], [4]]


def test_rows_of_hugging_face_are_told_to_be_batched() -> None:
    fake = type(
        "Dataset", (), {"__module__": "datasets.arrow_dataset", "__iter__": lambda self: iter(())}
    )
    with pytest.raises(ValueError, match=r"`x` is a Dataset of Hugging Face.*from_table\(dataset"):
        make_source(fake(), what="fit")
