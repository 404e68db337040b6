from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import trivium as tv
from trivium.compat import NotCovered, active

with active():
    import tensorflow as tf

Dataset = tf.data.Dataset


def numbers(count: int) -> Dataset:
    return Dataset.from_tensor_slices(np.arange(count))


def test_each_step_gives_the_face_again() -> None:
    steps = numbers(6).map(lambda i: i).shuffle(6).batch(2).repeat().take(2).prefetch(1)
    assert type(steps) is Dataset and isinstance(steps, tv.data.Dataset)
    assert type(Dataset.zip((numbers(2), numbers(3)))) is Dataset


def test_arguments_about_threads_and_names_are_taken_in_their_places() -> None:
    auto = tf.data.AUTOTUNE
    mapped = Dataset.range(4, name="r").map(lambda i: i + 1, auto, deterministic=False, name="m")
    batched = (
        mapped.batch(2, True, auto, False, "b").cache(name="c").prefetch(auto, "p").take(2, "t")
    )
    assert [b.tolist() for b in batched] == [[1, 2], [3, 4]]
    pairs = Dataset.zip(numbers(2), numbers(2), name="z")
    assert [(int(a), int(b)) for a, b in pairs] == [(0, 0), (1, 1)]
    made = Dataset.from_generator(
        lambda n: iter(range(n)),
        output_signature=tf.TensorSpec((), tf.float32),
        args=(2,),
        name="g",
    )
    assert [x.dtype.name for x in made] == ["float32"] * 2
    with pytest.raises(TypeError, match="parallel"):
        mapped.map(lambda i: i, parallel=3)


def test_constants_and_specs_are_tensorflow_s() -> None:
    assert numbers(7).repeat().cardinality() == tf.data.INFINITE_CARDINALITY
    unknown = numbers(7).filter(lambda i: i > 2)
    assert tf.data.experimental.cardinality(unknown) == tf.data.UNKNOWN_CARDINALITY
    counted = tf.data.experimental.Counter(start=2, step=3).take(3)
    assert [int(n) for n in counted] == [2, 5, 8]
    rows = counted.map(tf.range).apply(tf.data.experimental.dense_to_ragged_batch(batch_size=2))
    assert next(iter(rows)).to_list() == [[0, 1], [0, 1, 2, 3, 4]]
    rows = Dataset.from_tensor_slices((np.zeros((4, 2), "float32"), np.arange(4))).batch(3)
    assert rows.element_spec[0] == tf.TensorSpec((3, 2), "float32")


def test_what_is_not_covered() -> None:
    with pytest.raises(NotCovered, match=r"tf.data.Dataset.fingerprint is not covered"):
        numbers(3).fingerprint("folder")


def test_options_are_taken() -> None:
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    options.threading.private_threadpool_size = 2
    assert len(Dataset.range(3).with_options(options)) == 3


def test_an_error_of_a_function_is_not_taken_for_a_missing_method() -> None:
    dataset = tf.data.Dataset.range(2).map(lambda i: i.nothing)
    with pytest.raises(AttributeError, match="nothing"):
        _ = dataset.element_spec
    with pytest.raises(AttributeError, match="Did you mean 'element_spec'"):
        _ = dataset.element_specs


def test_an_iterator_goes_on_in_its_own_pass(tmp_path: Path) -> None:
    def restored(path: str) -> list[int]:
        shuffled = tf.data.Dataset.range(8).shuffle(8)
        rows = iter(shuffled)
        tf.train.Checkpoint(rows=rows).restore(path)
        return [int(i) for i in rows]

    shuffled = tf.data.Dataset.range(8).shuffle(8)
    list(shuffled)
    rows = iter(shuffled)
    seen = [int(next(rows)) for _ in range(5)]
    path = tf.train.Checkpoint(rows=rows).save(str(tmp_path / "ck"))
    rest = [int(i) for i in rows]
    assert sorted(seen + rest) == list(range(8)) and restored(path) == rest
    plain = tf.train.Checkpoint(v=tf.Variable(1.0)).save(str(tmp_path / "plain"))
    tf.train.Checkpoint(rows=rows).restore(plain)
    assert list(rows) == []
