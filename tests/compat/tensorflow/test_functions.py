"""What programs do not show: notices, edges, messages."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from trivium.compat import NotCovered, active
from trivium.compat.tensorflow import functions
from trivium.compat.tensorflow.rehearsal import rehearsed
from trivium.compat.written import covers

with active():
    import tensorflow as tf


@pytest.fixture(autouse=True)
def as_in_a_program() -> Any:
    with active():
        yield


@pytest.fixture
def notices(caplog: pytest.LogCaptureFixture) -> Any:
    with caplog.at_level(logging.WARNING, "tensorflow"):
        yield lambda: [record.getMessage() for record in caplog.records]


def branching(x):
    if x > 0:
        return x
    return -x


def over_a_range(x):
    for i in tf.range(3):
        x = x + tf.cast(i, x.dtype)
    return x


def over_a_dataset(x):
    for row in tf.data.Dataset.from_tensor_slices([1.0, 2.0]):
        x = x + row
    return x


def part_by_part(x):
    table[0].assign(x)
    return x


def through_numpy(x):
    return tf.numpy_function(lambda a: a * 2, [x], tf.float32)


def loop_without_bound(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.while_loop(lambda y: y < 10, lambda y: y * y, [x])[0]
    return tape.gradient(y, x)


table = tf.Variable([0.0, 0.0])
PLAIN = {
    branching: (2.0, "looks at the value"), over_a_range: (5.0, "`for` goes over"),
    over_a_dataset: (5.0, "a dataset"), part_by_part: (2.0, "a part of a variable"),
    through_numpy: (4.0, "numpy_function"), loop_without_bound: (32.0, "a loop whose length"),
}  # fmt: skip


@pytest.mark.parametrize("python", PLAIN, ids=lambda f: f.__name__)
def test_what_cannot_be_compiled_runs_and_says_so_once(python: Any, notices: Any) -> None:
    wanted, words = PLAIN[python]
    function = tf.function(python)
    assert [float(function(tf.constant(2.0))) for _ in range(2)] == [wanted, wanted]
    (notice,) = notices()
    assert words in notice and f"{__file__}:" in notice and python.__name__ in notice


def test_a_variable_made_of_drawn_numbers_at_the_first_call(notices: Any) -> None:
    made: list[Any] = []

    @tf.function
    def call(x):
        if not made:
            made.append(tf.Variable(tf.random.normal([3])))
        return x * made[0]

    first, second = call(tf.ones(3)), call(tf.ones(3))
    np.testing.assert_array_equal(first.numpy(), second.numpy())
    assert len(made) == 1 and notices() == [] and call.experimental_get_tracing_count() == 1


def test_signatures() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)])
    def scaled(x, n):
        return x * tf.cast(n, tf.float32)

    assert scaled([1, 2], n=3).numpy().tolist() == [3.0, 6.0]
    with pytest.raises(TypeError, match=r"scaled: the argument 'x' is of shape \(None,\)"):
        scaled(tf.ones((2, 2)), 1)
    with pytest.raises(TypeError, match=r"float32.*int32"):
        scaled(tf.constant([1, 2]), 1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([], tf.int64)])
    def lengths(words, more):
        return tf.strings.length(words) + tf.cast(more, tf.int32)

    assert lengths(["ab", "c"], 2).numpy().tolist() == [4, 3]
    assert lengths(tf.constant(["ab"]), tf.constant(1, tf.int64)).numpy().tolist() == [3]
    with pytest.raises(TypeError, match=r"lengths: the argument 'words' is of shape \(None,\)"):
        lengths(tf.constant("ab"), 1)
    concrete = tf.function(lambda x, n: x**n).get_concrete_function(tf.TensorSpec([]), 2)
    assert concrete(tf.constant(3.0)).numpy() == 9


def test_strings_and_rows_of_many_lengths_are_given_to_plain_python(
    notices: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions, "_MOST_LENGTHS", 2)

    def upper(words):
        return tf.strings.upper(words)

    def total(rows):
        return tf.reduce_sum(rows)

    words, sums = tf.function(upper), tf.function(total)
    assert words(tf.constant(["a"])).numpy() == words(tf.constant(["A"])).numpy() == [b"A"]
    rows = [tf.ragged.constant([[1] * n, [2]]) for n in (1, 2, 1, 3, 4)]
    assert [int(sums(r)) for r in rows[:3]] == [3, 4, 3]
    assert sums.experimental_get_tracing_count() == 2 and len(notices()) == 1
    assert [int(sums(r)) for r in rows[3:]] == [5, 6]
    of_words, of_rows = notices()
    assert "upper runs as plain Python, since it is given strings" in of_words
    assert "total runs as plain Python" in of_rows and "to_tensor(shape=...)" in of_rows


@pytest.mark.parametrize(
    ("came", "words"),
    [
        (lambda: tf.ragged.constant([[1], [2, 3]]), r"got \(2, None\), int32"),
        (lambda: tf.ragged.constant([[[1.0]]]), r"got \(1, None, None\)"),
        (lambda: tf.ones((2, 2)), r"RaggedTensorSpec\(.*got \(2, 2\), float32"),
    ],
)
def test_signatures_hold_rows_to_their_specs(came: Any, words: str) -> None:
    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.float32)])
    def total(rows):
        return tf.reduce_sum(rows)

    assert total(tf.ragged.constant([[1.0], [2.0, 3.0]])) == 6
    with pytest.raises(TypeError, match=words):
        total(came())


def test_specs_say_what_fits() -> None:
    rows = tf.ragged.constant([[1.0], [2.0, 3.0]])
    fits = tf.RaggedTensorSpec(None, tf.float32, 1).is_compatible_with
    assert fits(rows) and not fits(tf.ones(3)) and not fits(tf.ragged.constant([[[1.0]]]))
    assert tf.TensorSpec([None], tf.int64).is_compatible_with([1, 2])
    spec = tf.TensorSpec.from_tensor(tf.ones((2, 3)), "x")
    assert (spec.shape, spec.name, isinstance(spec, tf.TypeSpec)) == ((2, 3), "x", True)
    assert len({spec, tf.TensorSpec((2, 3)), tf.TensorSpec((2, 4))}) == 2  # A name is no part.
    for wrong in (
        lambda: tf.RaggedTensorSpec(),
        lambda: tf.RaggedTensorSpec([None], ragged_rank=1),
    ):
        with pytest.raises(ValueError, match="ragged_rank"):
            wrong()


def test_set_shape_holds_every_kind_of_tensor_to_a_shape() -> None:
    def halves(x):
        left = x[:, :2]
        left.set_shape([None, 2])
        return left

    x = tf.ones((3, 4))
    dataset = tf.data.Dataset.from_tensors(x).map(halves)
    assert dataset.element_spec.shape == (3, 2)
    assert halves(tf.keras.Input((4,))).shape == (None, 2)
    assert tf.function(halves)(x).shape == (3, 2)
    tf.constant(["a"]).set_shape(None)
    for tensor in (x, tf.constant(["a"])):
        with pytest.raises(ValueError, match=r"set_shape: wanted the shape \(2, None\), got \("):
            tensor.set_shape([2, None])


def test_methods_and_plain_runs() -> None:
    class Counter:
        def __init__(self):
            self.seen = []
            self.total = tf.Variable(0.0)

        @tf.function
        def add(self, x):
            self.seen.append(1)
            self.total.assign_add(x)
            return self.total

    one, two = Counter(), Counter()
    for _ in range(2):
        one.add(tf.constant(2.0))
        two.add(tf.constant(3.0))
    assert (float(one.total), float(two.total), len(one.seen)) == (4.0, 6.0, 1)
    tf.config.run_functions_eagerly(True)
    try:
        one.add(tf.constant(1.0))
    finally:
        tf.config.run_functions_eagerly(False)
    assert len(one.seen) == 2 and float(one.total) == 5


def test_checks_in_compiled_code() -> None:
    @tf.function
    def check(x):
        tf.debugging.assert_positive(x, message="not above zero")
        tf.debugging.assert_shapes([(x, ("n",))])
        return x + 1

    assert check(tf.constant([1.0])).numpy() == 2
    with pytest.raises(Exception, match="not above zero"):
        np.asarray(check(tf.constant([-1.0])))
        check(tf.constant([-1.0])).block_until_ready()
    with pytest.raises(ValueError, match="wanted 2 axes"):
        tf.debugging.assert_rank(tf.ones(3), 2)
    with pytest.raises(ValueError, match="NaN"):
        tf.debugging.check_numerics(tf.constant([np.nan]), "here")


def test_arrays_written_part_by_part() -> None:
    array = tf.TensorArray(tf.float32, size=2)
    with pytest.raises(ValueError, match="no number 2, its size is 2"):
        array.write(2, 1.0)
    array = array.write(1, [1.0, 2.0])
    assert array.stack().numpy().tolist() == [[0.0, 0.0], [1.0, 2.0]]
    other = tf.TensorArray(tf.int32, size=0, dynamic_size=True).unstack([3, 4, 5])
    assert other.gather([2, 0]).numpy().tolist() == [5, 3] and int(other.size()) == 3
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        squares = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        for i in tf.range(3):
            squares = squares.write(i, x**2 * tf.cast(i, tf.float32))
        y = tf.reduce_sum(squares.stack())
    assert tape.gradient(y, x).numpy() == 18


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("start", [None, 2.0])
def test_folds_are_the_same_at_once_and_compiled(start: Any, reverse: bool) -> None:
    x, first = tf.constant([1.0, 2.0, 3.0, 4.0]), None if start is None else tf.constant(start)
    order = [4.0, 3.0, 2.0, 1.0] if reverse else [1.0, 2.0, 3.0, 4.0]
    made = [order.pop(0) if start is None else start]
    for element in order:
        made.append(made[-1] * 0.5 + element)
    made = made if start is None else made[1:]

    def run(x: Any) -> Any:
        def step(before: Any, element: Any) -> Any:
            return before * 0.5 + element

        fold = tf.foldr if reverse else tf.foldl
        return tf.scan(step, x, first, reverse=reverse), fold(step, x, first)

    for every, last in (run(x), tf.function(run)(x)):
        np.testing.assert_array_equal(every, made[::-1] if reverse else made)
        assert float(last) == made[-1]


def test_a_name_is_written_once() -> None:
    with pytest.raises(
        ValueError, match=r"tensorflow\.scan is written already, as trivium\.compat"
    ):
        covers("tensorflow.scan")(lambda: None)


def test_calls_of_python_in_a_compiled_step() -> None:
    def triple(x: Any) -> Any:
        return tf.py_function(lambda a: a * 3.0, [x], tf.float32)

    class Triple(tf.keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(), initializer="ones")

        def call(self, x: Any) -> Any:
            seen: list[Any] = tf.py_function(lambda a: kept.append(float(a[0, 0])), [x], [])
            assert seen == []
            return triple(x * self.scale)

    kept: list[float] = []
    model = tf.keras.Sequential([tf.keras.Input((2,)), Triple()])
    model.compile("sgd", "mse")
    x = np.full((3, 2), 2.0, np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), 3 * x)
    assert kept == [2.0]  # As often as there are batches.
    with pytest.raises(NotCovered, match="gradients do not go through it"):
        model.fit(x, x, verbose=0)
    # A tape follows what it does in plain Python.
    point = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(point)
        y = triple(point)
    assert float(tape.gradient(y, point)) == 3

    class Plain(tf.keras.Model):
        def call(self, x: Any) -> Any:
            tf.py_function(kept.append, [x], [])
            return x

    with pytest.raises(NotCovered, match="without results"):
        Plain()(tf.keras.Input((2,)))


calls, total = 0, tf.Variable(0.0)


class Counter:
    def __init__(self) -> None:
        self.seen, self.parts, self.last = [0], {"a": np.zeros(2)}, None

    def note(self, x: Any) -> Any:
        global calls
        calls += 1
        total.assign_add(1.0)
        self.seen.append(x)
        self.seen[0] += 1
        self.parts["a"] += 1
        self.parts.setdefault("b", []).append(np.random.random())
        self.last = x
        print("noted")
        return x


def test_functions_are_asked_for_their_shapes_without_a_trace(
    capsys: pytest.CaptureFixture[str],
) -> None:
    counter, rounds = Counter(), 0

    def note(x: Any) -> Any:
        nonlocal rounds
        rounds += 1
        return counter.note(x)

    np.random.seed(0)
    with rehearsed(note):
        note(1.0)
    assert (calls, rounds, float(total), counter.seen, counter.last) == (0, 0, 0.0, [0], None)
    assert list(counter.parts) == ["a"] and not counter.parts["a"].any()
    assert capsys.readouterr().out == ""
    note(1.0)
    assert (calls, rounds, float(total), counter.seen) == (1, 1, 1.0, [1, 1.0])
    np.random.seed(0)
    assert counter.parts["b"] == [np.random.random()]
    with pytest.raises(KeyError), rehearsed(note):
        raise KeyError


def test_gradients_of_tensors_stand_in_a_function() -> None:
    with pytest.raises(
        RuntimeError, match=r"tf\.gradients takes gradients of what a `tf\.function`"
    ):
        tf.gradients(tf.ones(()), tf.ones(()))
    with pytest.raises(ValueError, match="has its primal's shape"):
        tf.autodiff.ForwardAccumulator(tf.ones(2), tf.ones(3))

    @tf.function
    def thrice(x: Any) -> Any:
        y = x**4
        for _ in range(3):
            y = tf.gradients(y, [x])[0]
        return y

    assert float(thrice(tf.constant(2.0))) == 48
    tf.config.run_functions_eagerly(True)
    try:
        assert float(thrice(tf.constant(2.0))) == 48
    finally:
        tf.config.run_functions_eagerly(False)
