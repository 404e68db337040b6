"""What the verbs of a pipeline give: as tf.data's, and what is ours."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from tf_pipelines import cases, ours, run

import trivium as tv
from trivium.data import Dataset
from trivium.data.orders import OrderKey


def lists(dataset: Any) -> list[Any]:
    return [np.asarray(e).tolist() for e in dataset]


def generated(count: int) -> Any:
    return Dataset.from_generator(lambda: iter(range(count)), "int32")


@pytest.mark.parametrize(("code", "wanted"), cases())
def test_as_tf_data(code: str, wanted: Any) -> None:
    assert run(code, ours()) == wanted


SKIPPED = {
    "map": lambda d: d.map(lambda i: i * 2, 2),
    "batch": lambda d: d.batch(3),
    "mapped batch": lambda d: d.map(np.asarray).batch(3),
    "padded batch": lambda d: d.padded_batch(3),
    "repeat": lambda d: d.repeat(3),
    "repeat without end": lambda d: d.repeat().take(50),
    "take": lambda d: d.take(7).skip(2),
    "shard": lambda d: d.shard(3, 1),
    "shuffle": lambda d: d.shuffle(5).repeat(2),
    "shuffled batches": lambda d: d.batch(2).shuffle(3),
    "concatenate": lambda d: d.concatenate(d.map(lambda i: -i)),
    "zip": lambda d: Dataset.zip({"a": d, "b": (d.shuffle(9), d)}),
    "enumerate": lambda d: d.enumerate(3),
    "cache": lambda d: d.cache().repeat(2),
    "prefetch": lambda d: d.map(np.asarray).prefetch(3),
    "window": lambda d: d.window(3, 2).flat_map(lambda w: w.batch(3)),
    "interleave": lambda d: d.interleave(lambda i: Dataset.range(int(i) % 4).shuffle(4), 2, 2),
    "sample": lambda d: Dataset.sample_from_datasets([d, d.shuffle(4)], [0.7, 0.3]),
    "random": lambda d: d.random_map(lambda rng, i: i + rng.integers(100)),
    "resample": lambda d: d.rejection_resample(lambda i: i % 2, [0.8, 0.2]).map(lambda c, i: i),
}


@pytest.mark.parametrize("source", [Dataset.range, generated])
@pytest.mark.parametrize("name", SKIPPED)
def test_a_pass_is_read_from_any_element_on(name: str, source: Any) -> None:
    """What a resumed run reads is the rest of what the first one read."""
    elements = SKIPPED[name](source(11))._elements
    key = OrderKey(3, (5,))

    def read(skip: int) -> list[Any]:
        return [str(e) for e in elements.read(key, skip)]

    whole = read(0)
    assert len(whole) > 3
    for skip in (1, 3, len(whole) - 1, len(whole), len(whole) + 2):
        assert read(skip) == whole[skip:]


def test_what_is_skipped_is_not_made() -> None:
    made: list[int] = []

    def note(i: Any) -> Any:
        made.append(int(i))
        return i

    dataset = Dataset.range(20).shuffle(20).map(note).batch(4).repeat(2).enumerate()
    whole = list(dataset._elements.read(OrderKey(0, (0,))))
    made.clear()
    rest = list(dataset._elements.read(OrderKey(0, (0,)), 8))
    assert str(rest) == str(whole[8:]) and len(made) == 8


def test_mixing_takes_the_shares_that_are_asked_for() -> None:
    zeros, ones = Dataset.from_tensors(0).repeat(), Dataset.from_tensors(1).repeat()
    tv.utils.set_random_seed(0)
    mixed = Dataset.sample_from_datasets([zeros, ones], [3, 1], rerandomize_each_iteration=True)
    first, second = lists(mixed.take(2000)), lists(mixed.take(2000))
    assert abs(np.mean(first) - 0.25) < 0.04 and first == second[:2000]
    mixed = mixed.take(200)  # Passes of one dataset differ.
    assert lists(mixed) != lists(mixed)
    fixed = Dataset.sample_from_datasets([zeros, ones]).take(200)
    assert lists(fixed) == lists(fixed) and set(lists(fixed)) == {0, 1}
    resampled = Dataset.range(3000).rejection_resample(lambda i: i % 5 == 0, [0.5, 0.5])
    assert abs(np.mean([int(c) for c, _ in resampled]) - 0.5) < 0.06
    with pytest.raises(ValueError, match="one number of at least 0 for each of the 2 datasets"):
        Dataset.sample_from_datasets([zeros, ones], [1, -1])


def test_inner_datasets_have_orders_of_their_own() -> None:
    inner = Dataset.range(4).flat_map(lambda i: Dataset.range(20).shuffle(20))
    read = np.reshape(lists(inner), (4, 20))
    assert len({tuple(r) for r in read.tolist()}) == 4 and (np.sort(read) == np.arange(20)).all()


DROP = tv.layers.Dropout(0.5, seed=4)
DRAWING = {
    "a layer": ("map", lambda x: DROP(x, training=True)),
    "a function": ("map", lambda x: x + tv.random.uniform(())),
    "a generator": ("random_map", lambda rng, x: x + rng.normal()),
}


@pytest.mark.parametrize("what", DRAWING)
def test_random_numbers_do_not_depend_on_workers_or_batches(what: str) -> None:
    verb, function = DRAWING[what]

    def passes(workers: int | None = None, batch: int | None = None, **kwargs: Any) -> Any:
        tv.utils.set_random_seed(3)
        data = Dataset.from_tensor_slices(np.ones((12, 6), "float32"))
        drawn = getattr(data, verb)(function, num_parallel_calls=workers, **kwargs)
        drawn = drawn if batch is None else drawn.batch(batch)
        return [np.reshape([np.asarray(e) for e in drawn], (12, 6)) for _ in range(2)]

    first, second = passes()
    assert len({tuple(row) for row in first.tolist()}) > 6 and (first != second).any()
    for workers, batch in ((3, None), (None, 4), (3, 4)):
        np.testing.assert_array_equal(passes(workers, batch), [first, second])
    if verb == "random_map":
        assert (passes(seed=1)[0] == passes(3, seed=1)[0]).all()
        assert (passes(seed=1)[0] != passes(seed=2)[0]).any()


def test_a_function_that_draws_from_numpy_is_called_for_each_row() -> None:
    drawn = Dataset.range(8).map(lambda i: i * 0 + np.random.rand()).batch(8)
    assert len(set(lists(drawn)[0])) == 8


def test_variables_that_a_function_changes_are_changed() -> None:
    count = tv.Variable(0, dtype="int32")

    def counted(i: Any) -> Any:
        return i + count.assign_add(1)

    for batched in (Dataset.range(3).map(counted), Dataset.range(3).map(counted).batch(3)):
        count.assign(0)
        assert np.ravel(lists(batched)).tolist() == [1, 3, 5] and int(count) == 3


def test_a_cache_in_a_file_serves_other_passes_and_programs(tmp_path: Any) -> None:
    made: list[int] = []

    def make(i: Any) -> Any:
        made.append(int(i))
        return {"n": i, "b": (np.full(2, i, "float32"), np.array([f"é{i}"], object), np.array("x"))}

    def cached() -> Any:
        return Dataset.range(4).map(make).cache(tmp_path / "folder" / "cache")

    started = cached()
    assert int(next(iter(started))["n"]) == 0  # A pass that is given up leaves no file.
    assert not list((tmp_path / "folder").iterdir())
    first = [str(e) for e in started]
    assert [str(e) for e in started] == first == [str(e) for e in cached()]
    assert len(made) == 5 and [p.name for p in (tmp_path / "folder").iterdir()] == ["cache"]
    assert [int(e["n"]) for e in cached().skip(2)] == [2, 3]
    (tmp_path / "other").write_text("other")
    with pytest.raises(ValueError, match=r"other', which `cache` was to read, is no cache"):
        list(Dataset.range(2).cache(str(tmp_path / "other")))


def test_files_are_listed(tmp_path: Any) -> None:
    for name in ("a/1.txt", "a/2.txt", "b/3.txt", "b/4.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = Dataset.list_files(f"{tmp_path}/*/*.txt", shuffle=False)
    assert [str(p)[-7:] for p in found] == ["a/1.txt", "a/2.txt", "b/3.txt"]
    shuffled = Dataset.list_files([f"{tmp_path}/**/*.md", f"{tmp_path}/a/*"])
    assert sorted(str(p)[-6:] for p in shuffled) == ["/1.txt", "/2.txt", "b/4.md"]
    with pytest.raises(ValueError, match=r"`list_files` found no file for 'nothing/\*'"):
        Dataset.list_files("nothing/*")


def test_text_goes_through() -> None:
    words = np.array(["a", "bb", b"c", None], object)[:2]
    for source in (words, words.tolist()):
        upper = Dataset.from_tensor_slices(source).map(lambda w: np.char.upper(str(w)))
        assert lists(upper.batch(2)) == [["A", "BB"]]
        (batch,) = Dataset.from_tensor_slices((source, [1, 2])).shuffle(1).batch(2)
        assert batch[0].dtype.kind in "OU" and batch[0].tolist() == ["a", "bb"]
    (padded,) = Dataset.from_generator(lambda: iter([["a"], ["b", "c"]])).padded_batch(2)
    assert padded.tolist() == [["a", ""], ["b", "c"]]


def test_arguments_that_make_no_sense() -> None:
    numbers = Dataset.range(5)
    with pytest.raises(ValueError, match="either `window_size` or `window_size_func`"):
        numbers.group_by_window(lambda i: i, lambda k, g: g)
    with pytest.raises(ValueError, match="one number more than `bucket_boundaries`"):
        numbers.bucket_by_sequence_length(lambda i: i, [3], [2])
    with pytest.raises(ValueError, match="wanted a Dataset"):
        list(numbers.flat_map(lambda i: i))
    with pytest.raises(ValueError, match=r"shape \(3,\) does not fit into \(2,\)"):
        list(numbers.map(lambda i: np.zeros(3)).padded_batch(2, padded_shapes=[2]))
    with pytest.raises(ValueError, match="A choice of dataset 2 came, but there are 2"):
        list(Dataset.choose_from_datasets([numbers, numbers], numbers))
    with pytest.raises(ValueError, match="it has more than one element"):
        numbers.get_single_element()


@pytest.mark.parametrize("data", [Dataset.range(4), Dataset.from_generator(lambda: iter(range(4)))])
def test_no_pipeline_is_silently_empty_or_endless(data: Any) -> None:
    for size in (0, -1):
        with pytest.raises(ValueError, match="`batch_size` is a whole number of at least 1"):
            data.batch(size)
        with pytest.raises(ValueError, match="`buffer_size` is a whole number of at least 1"):
            data.shuffle(size)
    with pytest.raises(TypeError, match="predicate of `filter` says True or False; got None"):
        list(data.filter(lambda x: None))


RANGE = Dataset.range(6)
NO_SIZES: list[Any] = [0, -2, 2.5, "3", True, np.array([2])]
SIZES: dict[str, Any] = {
    "batch_size": [RANGE.batch, RANGE.padded_batch],
    "size": [RANGE.window],
    "shift": [lambda n: RANGE.window(2, shift=n)],
    "stride": [lambda n: RANGE.window(2, stride=n)],
    "window_size": [lambda n: RANGE.group_by_window(int, lambda k, g: g, window_size=n)],
    "buffer_size": [RANGE.shuffle, RANGE.prefetch],
    "num_shards": [lambda n: RANGE.shard(n, 0)],
    "num_parallel_calls": [lambda n: RANGE.map(int, n)],
}


@pytest.mark.parametrize("argument", SIZES)
def test_sizes_that_mean_nothing_are_refused(argument: str) -> None:
    for verb in SIZES[argument]:
        for size in NO_SIZES:
            with pytest.raises(ValueError, match=f"`{argument}` is a whole number of at least 1"):
                verb(size)


@pytest.mark.parametrize("verb", [RANGE.take, RANGE.skip, RANGE.repeat])
def test_counts_that_mean_nothing_are_refused(verb: Any) -> None:
    for count in (-2, 2.5, "3", True):
        with pytest.raises(ValueError, match="`count` is a whole number of at least -1, which"):
            verb(count)
    assert len(verb(0)) >= 0


def test_counts_may_be_arrays_of_one_number() -> None:
    two, chunks = np.array(2), RANGE.batch(jax.numpy.asarray(2))
    assert [e.tolist() for e in chunks.take(two)] == [[0, 1], [2, 3]]
    assert len(RANGE.skip(two).repeat(two).prefetch(two).shard(two, np.array(1))) == 4


def test_a_shard_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"of 3 shards the last is number 2; got 3"):
        RANGE.shard(3, 3)
    with pytest.raises(ValueError, match="`index` is a whole number of at least 0; got -1"):
        RANGE.shard(3, -1)


def test_a_mistyped_keyword_gets_the_nearest_one() -> None:
    with pytest.raises(TypeError, match=r"`batch` has no argument 'drop_remaindr'\. Did you mean"):
        RANGE.batch(2, drop_remaindr=True)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"`range` has no argument 'output_typ'\. Did you mean"):
        Dataset.range(2, output_typ="int32")  # type: ignore[call-arg]


def test_what_is_no_function_is_not_mapped() -> None:
    with pytest.raises(TypeError, match="`map_func` is a function of an element; got 3"):
        RANGE.map(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("batched", [False, True])
def test_a_list_that_a_function_returns_is_a_tuple(batched: bool) -> None:
    dataset = Dataset.from_tensor_slices(np.arange(4))
    pairs = (dataset.batch(2) if batched else dataset).map(lambda x: [x, x + 1])
    assert [type(pair) for pair in pairs] == [tuple] * len(list(pairs))
    assert np.asarray([second for _, second in pairs]).ravel().tolist() == [1, 2, 3, 4]
