"""`PyDataset`: order, hooks, workers in threads and processes, and errors in the user's code."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trivium.data import PyDataset, make_source
from trivium.data.pydataset import fetch
from trivium.state import set_random_seed


class Numbered(PyDataset):
    """Batch `i` is full of `i`; the calls are kept."""

    def __init__(self, count: int | None = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count
        self.calls: list[Any] = []

    @property
    def num_batches(self) -> int | None:
        return self.count

    def __getitem__(self, index: int) -> Any:
        self.calls.append(index)
        return np.full((2, 1), index), np.zeros(2)

    def on_epoch_begin(self) -> None:
        self.calls.append("begin")

    def on_epoch_end(self) -> None:
        self.calls.append("end")


def numbers(source: Any, *args: int) -> list[int]:
    return [int(batch[0][0, 0]) for batch in source.batches(*args)]


def test_it_takes_and_keeps_the_arguments_of_keras() -> None:
    dataset = PyDataset()
    assert (dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size) == (1, False, 10)
    dataset = PyDataset(3, True, 4)
    assert (dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size) == (3, True, 4)
    dataset.workers = 0
    assert dataset.workers == PyDataset(workers=0).workers == 0
    with pytest.raises(ValueError, match=r"`workers` is a whole number.*got -1"):
        PyDataset(workers=-1)
    with pytest.raises(ValueError, match=r"`max_queue_size` .*got 0"):
        PyDataset(max_queue_size=0)


def test_a_subclass_need_not_call_super() -> None:
    class Plain(Numbered):
        def __init__(self) -> None:
            self.count, self.calls = 2, []

    assert numbers(make_source(Plain())) == [0, 1]


def test_what_is_not_written_is_asked_for() -> None:
    with pytest.raises(NotImplementedError, match="PyDataset needs a method __len__"):
        make_source(PyDataset())
    with pytest.raises(NotImplementedError, match="PyDataset needs a method __getitem__"):
        PyDataset()[0]


def test_it_iterates_by_itself() -> None:
    assert [int(x[0, 0]) for x, _ in Numbered(3)] == [0, 1, 2]
    endless = iter(Numbered(None))
    assert [int(next(endless)[0][0, 0]) for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_hooks_stand_around_each_epoch(workers: int) -> None:
    dataset = Numbered(2, workers=workers)
    source = make_source(dataset)
    assert source.num_batches == 2
    source.example()
    for _ in range(2):
        assert numbers(source) == [0, 1]
    hooks = [call for call in dataset.calls if isinstance(call, str)]
    assert hooks == ["begin", "end", "begin", "end"]
    assert dataset.calls[0] == "begin" and dataset.calls[-1] == "end"


def test_an_epoch_that_is_left_early_ends() -> None:
    dataset = Numbered(5, workers=2)
    batches = make_source(dataset).batches()
    next(batches)
    batches.close()
    assert dataset.calls[-1] == "end"
    assert not [t for t in threading.enumerate() if t.name.startswith("dataset")]


def test_its_length_may_change_between_epochs() -> None:
    dataset = Numbered(2)
    source = make_source(dataset)
    assert numbers(source) == [0, 1]
    dataset.count = 3
    assert numbers(source) == [0, 1, 2]


def test_the_order_follows_seed_and_step() -> None:
    def order(seed: int, step: int, workers: int = 1) -> list[int]:
        return numbers(make_source(Numbered(20, workers=workers), shuffle=True), seed, step)

    assert sorted(order(1, 0)) == list(range(20)) != order(1, 0)
    assert order(1, 0) == order(1, 0, workers=3)
    assert len({tuple(order(*key)) for key in ((1, 0), (1, 20), (2, 0))}) == 3


def test_without_a_seed_the_global_one_counts() -> None:
    set_random_seed(3)
    source = make_source(Numbered(20), shuffle=True)
    first, second = numbers(source), numbers(source)
    assert first != second
    again = make_source(Numbered(20), shuffle=True)
    assert first == numbers(again, 3, 0) and second == numbers(again, 3, 20)


def test_steps_go_on_through_one_order_while_training() -> None:
    source = make_source(Numbered(4), steps=2, shuffle=True)
    whole = numbers(make_source(Numbered(4), shuffle=True), 5, 0)
    assert numbers(source, 5, 0) + numbers(source, 5, 2) == whole
    source = make_source(Numbered(4), steps=2, what="evaluate")
    assert [numbers(source), numbers(source)] == [[0, 1], [0, 1]]


def test_an_endless_dataset_goes_on() -> None:
    dataset = Numbered(None)
    source = make_source(dataset, steps=3)
    assert source.num_batches == 3
    assert [numbers(source), numbers(source)] == [[0, 1, 2], [3, 4, 5]]
    assert len([c for c in dataset.calls if isinstance(c, int)]) == 6


def test_an_empty_dataset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^fit: the PyDataset Numbered gave no batch"):
        list(make_source(Numbered(0)).batches())
    with pytest.raises(ValueError, match="gave no batch"):
        make_source(Numbered(0)).example()


def test_a_pair_in_a_list_is_a_pair() -> None:
    class Listed(Numbered):
        def __getitem__(self, index: int) -> list:
            return list(super().__getitem__(index))

    assert len(next(make_source(Listed()).batches())) == 2


def test_threads_work_at_the_same_time_and_keep_the_order() -> None:
    barrier = threading.Barrier(3, timeout=20)

    class Meeting(Numbered):
        def __getitem__(self, index: int) -> Any:
            barrier.wait()  # passes only if three batches are in the making at once
            time.sleep(0.002 * (3 - index % 3))
            return super().__getitem__(index)

    assert numbers(make_source(Meeting(9, workers=3))) == list(range(9))


@pytest.mark.parametrize("size", [1, 3])
def test_no_more_than_max_queue_size_batches_are_made_ahead(size: int) -> None:
    dataset = Numbered(20, workers=2, max_queue_size=size)
    batches = fetch(dataset, range(20))
    for given in range(1, 6):
        next(batches)
        time.sleep(0.01)
        assert len(dataset.calls) <= given - 1 + size
    batches.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_with_the_number_of_its_batch(workers: int) -> None:
    class Broken(Numbered):
        def __getitem__(self, index: int) -> Any:
            if index == 2:
                raise OSError("disk full")
            return super().__getitem__(index)

    batches = make_source(Broken(workers=workers)).batches()
    next(batches), next(batches)
    with pytest.raises(OSError, match="disk full") as caught:
        next(batches)
    assert caught.value.__notes__ == ["This came up in batch 2 of Broken."]
    assert not [t for t in threading.enumerate() if t.name.startswith("dataset")]


def test_a_bad_batch_is_named() -> None:
    class Bad(Numbered):
        def __getitem__(self, index: int) -> Any:
            return "text"

    with pytest.raises(ValueError, match=r"^fit: batch 0 of the PyDataset Bad: got a str; wanted"):
        next(make_source(Bad()).batches())


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_what_the_dataset_has_itself_is_refused_beside_it(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` was given beside a PyDataset"):
        make_source(Numbered(), **{name: np.zeros(2)})


MODULE = """
import os
import numpy as np
from trivium.data import PyDataset

class Remote(PyDataset):
    def __init__(self, trouble=None, **kwargs):
        super().__init__(**kwargs)
        self.trouble = trouble

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index == 1 and self.trouble == "raise":
            raise OSError("disk full")
        if index == 1 and self.trouble == "die":
            os._exit(1)
        return np.full((2, 1), index), np.full(2, os.getpid())
"""


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "remote_dataset.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(tmp_path)
    import remote_dataset

    yield remote_dataset.Remote
    sys.modules.pop("remote_dataset")


def test_processes_make_the_batches_and_are_gone_after_the_epoch(remote: Any) -> None:
    import os

    source = make_source(remote(workers=1, use_multiprocessing=True))
    batches = list(source.batches())
    assert [int(x[0, 0]) for x, _ in batches] == [0, 1, 2, 3]
    assert os.getpid() not in {int(y[0]) for _, y in batches}
    assert not multiprocessing.active_children()


def test_an_error_in_a_process_comes_with_the_number_of_its_batch(remote: Any) -> None:
    source = make_source(remote("raise", workers=1, use_multiprocessing=True))
    with pytest.raises(OSError, match="disk full") as caught:
        list(source.batches())
    assert "This came up in batch 1 of Remote." in caught.value.__notes__
    assert not multiprocessing.active_children()


def test_a_process_that_dies_is_told_of(remote: Any) -> None:
    source = make_source(remote("die", workers=1, use_multiprocessing=True))
    with pytest.raises(RuntimeError, match="A worker process of Remote ended without a word"):
        list(source.batches())
    assert not multiprocessing.active_children()


def test_a_dataset_that_cannot_be_pickled_is_told_of() -> None:
    class Local(Numbered):
        pass

    with pytest.raises((AttributeError, pickle.PicklingError)) as caught:
        list(make_source(Local(use_multiprocessing=True)).batches())
    assert "define its class at the top of a module" in caught.value.__notes__[0]


def test_a_batch_size_beside_batches_is_ignored_with_a_warning() -> None:
    class Twos(PyDataset):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Any:
            return np.full((2, 1), index), np.zeros(2)

    batches = [(np.zeros((2, 1)), np.zeros(2))]
    for stream in (Twos(), iter(batches), Loader(batches)):
        with pytest.warns(UserWarning, match=r"^fit: batch_size=7 is ignored, since a .* comes in"):
            source = make_source(stream, batch_size=7)
        assert len(source.example()[0]) == 2
    with pytest.raises(ValueError, match=r"`y` was given beside a PyDataset"):
        make_source(Twos(), np.zeros(4))


class Loader:
    def __init__(self, batches: Any) -> None:
        self.batches = batches

    def __iter__(self) -> Any:
        return iter(self.batches)
