"""Workers, and what becomes of elements that cannot be made."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import traceback
from typing import Any

import numpy as np
import pytest

import trivium as tv
from trivium.data import Dataset
from trivium.data.workers import ahead_of, in_workers

PATHS = np.array([f"images/{i}.jpg" for i in range(20)])


def lists(dataset: Any) -> list[Any]:
    return [np.asarray(e).tolist() for e in dataset]


def ours() -> list[str]:
    """The names of the threads of pipelines that are alive."""
    names = ("trivium-data", "trivium-prefetch")
    return [t.name for t in threading.enumerate() if t.name.startswith(names)]


def load(path: Any) -> Any:
    """Read a file that may be corrupt."""
    number = int(str(path).split("/")[1].split(".")[0])
    if number % 7 == 3:
        raise OSError(f"cannot identify {path}")
    return np.float32(number)


def files() -> Any:
    return Dataset.from_tensor_slices(PATHS)


GOOD = [i for i in range(20) if i % 7 != 3]


@pytest.mark.parametrize("workers", [None, 1, 3, -1])
@pytest.mark.parametrize(
    "source",
    [
        lambda: Dataset.range(12),
        lambda: Dataset.from_generator(lambda: iter(range(12)), "int32"),
        lambda: Dataset.range(12).batch(5).unbatch(),
    ],
)
def test_workers_keep_the_order(source: Any, workers: Any) -> None:
    def slow(i: Any) -> Any:
        time.sleep(0.002 * (int(i) % 3 == 0))  # The first one of three is ready last.
        return np.asarray(i) * 2

    mapped = source().map(slow, workers)
    assert lists(mapped) == list(range(0, 24, 2))
    assert lists(mapped.batch(5)) == [[0, 2, 4, 6, 8], [10, 12, 14, 16, 18], [20, 22]]
    # One function in workers behind another, and one that is traced behind both.
    twice = mapped.map(lambda i: np.asarray(i) + 1, workers).map(lambda i: i * 10).batch(6)
    assert lists(twice) == [[10 * (2 * i + 1) for i in range(n, n + 6)] for n in (0, 6)]
    assert not ours()


def test_workers_work_side_by_side() -> None:
    both = threading.Barrier(2, timeout=10)  # Nobody gets past it alone.

    def meet(i: Any) -> Any:
        if int(i):  # The first element is made before the workers begin.
            both.wait()
        return i

    for build in (lambda d: d, lambda d: d.batch(2)):
        assert lists(build(Dataset.range(5).map(meet, 2)))


def test_what_is_ready_first_comes_first_where_order_does_not_matter() -> None:
    later = threading.Event()

    def wait(i: Any) -> Any:
        assert int(i) != 1 or later.wait(10)
        return i

    mapped = iter(Dataset.range(4).map(wait, 2, deterministic=False))
    first = lists([next(mapped), next(mapped)])
    assert first == [0, 2]
    later.set()
    assert sorted(lists(mapped)) == [1, 3]


def test_processes() -> None:
    assert lists(Dataset.range(1, 6).map(np.negative, 1, processes=True)) == [-1, -2, -3, -4, -5]


def test_a_function_that_cannot_be_pickled_is_told_of() -> None:
    with pytest.raises(Exception) as caught:
        lists(Dataset.range(3).map(lambda i: i, 2, processes=True))
    assert "Worker processes get map(<lambda>) pickled" in caught.value.__notes__[0]


@pytest.mark.parametrize("calls", [0, -2, 1.5, True])
def test_a_wrong_number_of_workers(calls: Any) -> None:
    with pytest.raises(ValueError, match="`num_parallel_calls` is a whole number of at least 1"):
        Dataset.range(3).map(lambda i: i, calls)


@pytest.mark.parametrize("workers", [None, 3])
@pytest.mark.parametrize("build", [lambda d: d, lambda d: d.batch(4), lambda d: d.prefetch(2)])
def test_a_corrupt_element_is_reported_with_its_path_and_the_user_s_line(
    build: Any, workers: Any
) -> None:
    with pytest.raises(OSError, match=r"cannot identify images/3\.jpg") as caught:
        lists(build(files().map(load, workers)))
    note = "This came up in element 3 ('images/3.jpg') of the Dataset, in map(load)."
    assert caught.value.__notes__ == [note]
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "load"
    assert not ours()  # Though the error is held.


@pytest.mark.parametrize("workers", [None, 3])
def test_corrupt_elements_are_skipped_and_counted(workers: Any, caplog: Any) -> None:
    mapped = files().map(load, workers).map(lambda i: i + 0.5)
    rest = mapped.ignore_errors().batch(4)
    assert np.concatenate(lists(rest)).tolist() == [i + 0.5 for i in GOOD]
    assert rest.errors.count == 3 and [entry.error for entry in rest.errors] == [
        f"OSError: cannot identify images/{i}.jpg" for i in (3, 10, 17)
    ]
    assert rest.errors[1].place.startswith("element 10 ('images/10.jpg')")
    lists(rest)
    assert (rest.errors.count, len(rest.errors)) == (6, 3)  # Twice, three places.
    assert rest.cardinality() == -2 and not caplog.records
    assert "element 3 ('images/3.jpg')" in repr(Dataset.zip(rest, rest).concatenate(rest).errors)
    lists(mapped.ignore_errors(log_warning=True))
    assert "element 17 ('images/17.jpg')" in caplog.records[2].getMessage()


def test_a_batch_with_a_failed_element_has_failed() -> None:
    whole = files().map(load).batch(2).ignore_errors()
    assert lists(whole) == [[i, i + 1] for i in range(0, 20, 2) if i not in (2, 10, 16)]
    assert len(whole.errors) == 3


def test_failed_elements_pass_every_stage() -> None:
    def after(steps: Any) -> Any:
        return lists(steps(files().map(load)).ignore_errors())

    assert sorted(after(lambda d: d.batch(1).shuffle(4).unbatch())) == GOOD
    assert after(lambda d: d.filter(lambda i: i < 9).take(10)) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert after(lambda d: d.skip(2).shard(2, 1).repeat(2)) == [5, 7, 9, 11, 13, 15, 19] * 2
    assert after(lambda d: d.enumerate().map(lambda n, i: n + i)) == [2 * i for i in GOOD]
    assert after(lambda d: Dataset.zip(d, d).map(lambda a, b: a + b)) == [2 * i for i in GOOD]
    assert after(lambda d: d.cache().prefetch(2).concatenate(d)) == GOOD * 2
    assert after(lambda d: d.flat_map(lambda i: Dataset.from_tensors(i))) == GOOD
    assert after(lambda d: d.map(lambda i: np.asarray(i), 2)) == GOOD


def test_shapes_that_do_not_fit_into_one_batch() -> None:
    with pytest.raises(ValueError, match=r"element 0 has \(3,\), element 1 has \(4,\)") as caught:
        lists(Dataset.range(3, 6).map(lambda i: np.zeros(int(i))).batch(2))
    assert "padded_batch" in str(caught.value)


# -- in fit -----------------------------------------------------------------------------------------------------


def model() -> Any:
    tv.utils.set_random_seed(0)
    made = tv.Sequential([tv.Input((1,)), tv.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def pairs(workers: Any = 3) -> Any:
    def pair(path: Any) -> Any:
        value = load(path)
        return np.full(1, value / 20, "float32"), value

    return files().map(pair, workers)


def test_fit_reads_what_workers_make_to_the_bit() -> None:
    def trained(workers: Any, **kwargs: Any) -> Any:
        made, data = model(), pairs(workers).ignore_errors().batch(4)
        made.fit(data.repeat() if kwargs else data, epochs=2, verbose=0, **kwargs)
        assert data.errors and not ours()
        return made.get_weights()

    for kwargs in ({}, {"steps_per_epoch": 3}):
        for one, other in zip(trained(None, **kwargs), trained(3, **kwargs), strict=True):
            np.testing.assert_array_equal(one, other)


def test_no_thread_outlives_an_error_in_fit() -> None:
    class Boom(tv.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            raise RuntimeError("boom")

    with pytest.raises(OSError, match=r"images/3\.jpg") as in_data:
        model().fit(pairs().batch(2), verbose=0)
    assert "element 3 ('images/3.jpg')" in "".join(in_data.value.__notes__)
    good = pairs().ignore_errors().batch(2)
    with pytest.raises(RuntimeError, match="boom") as in_callback:
        model().fit(good, verbose=0, callbacks=[Boom()])
    with pytest.raises(RuntimeError, match="boom") as in_part:
        model().fit(good.repeat(), steps_per_epoch=3, verbose=0, callbacks=[Boom()])
    assert not ours() and in_callback.value and in_part.value


# -- threads ----------------------------------------------------------------------------------------------------


def test_an_iteration_that_is_given_up_ends_its_threads() -> None:
    numbers = Dataset.range(40).map(np.asarray, 3)
    for dataset in (numbers, numbers.prefetch(3), numbers.batch(2).map(lambda i: i).prefetch(1)):
        iterator = iter(dataset)
        next(iterator), next(iterator)
        assert ours()
        del iterator
        assert not ours()


def test_reading_ahead_is_bounded_and_errors_come_in_their_turn() -> None:
    made: list[int] = []

    def numbers() -> Any:
        for i in range(10):
            made.append(i)
            yield i
        raise KeyError("the end")

    ahead = ahead_of(numbers, 2)
    assert not made and next(ahead) == 0
    time.sleep(0.05)
    assert len(made) <= 3
    with pytest.raises(KeyError, match="the end"):
        list(ahead)
    assert made == list(range(10)) and not ours()


def test_what_the_function_raises_is_given_with_its_item() -> None:
    results = list(in_workers(lambda i: 1 // i, [1, 0], 2))
    assert results[0] == (1, 1, None)
    assert results[1][0] == 0 and isinstance(results[1][2], ZeroDivisionError)


def test_workers_see_the_settings_of_the_thread_that_reads() -> None:
    seen: list[Any] = []

    def read() -> None:
        tv.config.set_floatx("float64")
        seen.extend(str(a) for a in Dataset.range(2).map(lambda i: np.array(tv.config.floatx()), 2))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert seen == ["float64", "float64"] and tv.config.floatx() == "float32"


_LEFT_OPEN = """
import numpy as np, time
from trivium.data import Dataset
def slow(i):
    time.sleep(0.01)
    return np.asarray(i)
iterator = iter(Dataset.range(1000).map(slow, 2).batch(2).prefetch(2))
next(iterator)
print("done")
"""


def test_the_interpreter_ends_though_a_pipeline_is_being_read() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _LEFT_OPEN], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")
