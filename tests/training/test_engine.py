"""Programs: how many are compiled, and when; and what is laid before them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trivium as tv
from trivium.data import ArraySource, make_source
from trivium.training import beside, engine, row_steps
from trivium.training import feed as feeds
from trivium.training.beside import Beside
from trivium.training.executables import compile_count
from trivium.training.feed import Feed

pytestmark = pytest.mark.optimized  # Bits, in the code that users get.

X = np.random.default_rng(0).normal(size=(23, 3)).astype("float32")
Y = X[:, :1].copy()


def make(units, **options):
    model = tv.Sequential([tv.Input((3,)), tv.layers.Dense(units), tv.layers.Dense(1)])
    model.compile("sgd", "mse", **options)
    return model


def compiled_by(call):
    before = compile_count()
    call()
    return compile_count() - before


def test_a_program_a_batch_shape_and_no_more():
    model = make(7)
    assert compiled_by(lambda: model.fit(X, Y, batch_size=5, epochs=3, verbose=0)) == 2
    assert compiled_by(lambda: model.fit(X, Y, batch_size=5, epochs=3, verbose=0)) == 0
    assert compiled_by(lambda: model.fit(X, Y, batch_size=7, epochs=1, verbose=0)) == 2
    again = make(7, steps_per_execution=3)
    watch = tv.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    assert compiled_by(lambda: again.fit(X, Y, batch_size=5, callbacks=[watch], verbose=0)) == 0


def test_other_lengths_take_the_same_programs():
    model = make(9)
    x, y = np.tile(X, (6, 1)), np.tile(Y, (6, 1))
    model.evaluate(x[:100], y[:100], batch_size=4, verbose=0)
    for count in (68, 72, 96, 128):
        assert compiled_by(lambda n=count: model.evaluate(x[:n], y[:n], 4, verbose=0)) == 0
    # A last batch of another size is a program of its own, whatever comes before it.
    assert compiled_by(lambda: model.evaluate(x[:71], y[:71], 4, verbose=0)) == 1
    assert compiled_by(lambda: model.evaluate(x[:99], y[:99], 4, verbose=0)) == 0


def test_predictions_of_other_lengths_and_batches_take_the_same_programs():
    model = make(9)
    x = np.tile(X, (45, 1))
    for programs, count, batch in (
        (1, 600, 32), (0, 1024, 32), (0, 559, 7), (0, 700, 1000),
        (1, 99, 32), (0, 97, 10), (0, 101, 128), (1, 20, 32), (0, 20, 8), (0, 20, 100),
    ):  # fmt: skip
        assert compiled_by(lambda n=count, b=batch: model.predict(x[:n], b, verbose=0)) == programs


def test_one_batch_is_predicted_without_a_loop():
    texts, lower = [], jax.stages.Lowered.compile

    def compiled(lowered, *args):
        texts.append(lowered.as_text())
        return lower(lowered, *args)

    model = make(11)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax.stages.Lowered, "compile", compiled)
        few = model.predict_on_batch(X[:4]), model.predict(X[:5], batch_size=4, verbose=0)[:4]
        model.evaluate(X[:4], Y[:4], verbose=0)
    # Four rows, five rows, and an evaluation.
    assert ["stablehlo.while" in text for text in texts] == [False, False, True]
    np.testing.assert_array_equal(*few)
    whole = model.predict(X, batch_size=4, verbose=0)
    np.testing.assert_allclose(few[0], whole[:4], rtol=1e-6, atol=1e-7)


def test_predictions_on_several_cores_at_once(monkeypatch):
    model, run, parts = make(4), Beside.run, []

    def noted(self, *steps):
        parts.append(run(self, *steps))
        return parts[-1]

    monkeypatch.setattr(row_steps, "_MOST", 1)
    monkeypatch.setattr(row_steps, "FEWEST", 1)
    monkeypatch.setattr(beside, "_TELLING", 0.0)
    monkeypatch.setattr(beside, "_SHARED", float("inf"))
    monkeypatch.setattr(beside, "_FEWEST_STEPS", 1)
    monkeypatch.setattr(beside, "cpu_count", lambda: 1)
    one_by_one = model.predict(X, batch_size=1, verbose=0)
    monkeypatch.setattr(beside, "cpu_count", lambda: 3)
    monkeypatch.setattr(Beside, "run", noted)
    for _ in range(2):  # The steps of the first one say that they keep one core at work.
        np.testing.assert_array_equal(model.predict(X, batch_size=1, verbose=0), one_by_one)
    assert max(map(len, parts)) == 3
    # Where a step changes something, each begins with what the one before has left.
    counting = tv.Sequential([tv.layers.Lambda(lambda x: x), Counted()])
    counts = counting.predict(X, batch_size=1, verbose=0)
    np.testing.assert_array_equal(counts.ravel(), np.arange(1, 24))


@pytest.mark.parametrize("change", ["weight", "layer", "step", "lowering", "folding", "nan"])
def test_a_batch_after_another_is_predicted_by_the_model_as_it_is(change):
    class Model(tv.Sequential):
        pass

    model = Model([tv.Input((3,)), tv.layers.Dense(2)])
    kept = model.predict_on_batch(X[:4])
    np.testing.assert_array_equal(model.predict_on_batch(X[:4]), kept)
    assert model.predict(X[:4], batch_size=2, steps=1, verbose=0).shape == (2, 2)
    wanted = kept
    if change == "weight":
        model.layers[0].kernel.assign(2 * model.layers[0].kernel)
        wanted = 2 * kept
    elif change == "layer":
        model.add(tv.layers.Rescaling(3.0))
        wanted = 3 * kept
    elif change == "step":
        Model.predict_step = lambda self, state, data: (4 * data[0], state[1])
        wanted = 4 * X[:4]
    elif change == "lowering":
        tv.config.set_lowering(convolution="plain")
    elif change == "folding":
        tv.config.disable_block_folding()
    try:
        for _ in range(2):
            np.testing.assert_allclose(model.predict_on_batch(X[:4]), wanted, rtol=1e-6)
            np.testing.assert_allclose(model.predict(X[:4], verbose=0), wanted, rtol=1e-6)
        if change == "nan":
            with pytest.warns(UserWarning, match="NaN"):
                model.predict_on_batch(np.full((4, 3), np.nan))
            with pytest.raises(ValueError, match="shape"):
                model.predict_on_batch(np.ones((4, 5)))
    finally:
        tv.config.set_lowering(convolution="auto")
        tv.config.reset_block_folding()


class Counted(tv.layers.Layer):
    """Counts its calls, in predictions too."""

    def build(self, input_shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.count.assign_add(1.0)
        return 0 * x[:, :1] + self.count


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_blocks_give_what_one_piece_gives(kind, monkeypatch):
    model = make(4)
    whole = model.predict(X, batch_size=4, verbose=0)
    loss = model.evaluate(X, Y, batch_size=4, verbose=0)
    monkeypatch.setattr(feeds, "_BLOCK_BYTES", 100)  # a block has room for two batches
    np.testing.assert_array_equal(model.predict(kind(X), batch_size=4, verbose=0), whole)
    assert model.evaluate(kind(X), kind(Y), batch_size=4, verbose=0) == loss


def test_what_cannot_be_compiled_is_said_and_not_kept(monkeypatch):
    model = make(14)

    def fail(self):
        raise MemoryError("no room to compile")

    with monkeypatch.context() as broken:
        broken.setattr("jax.stages.Lowered.compile", fail)
        with pytest.raises(MemoryError, match="no room to compile"):
            model.fit(X, Y, verbose=0)
    model.fit(X, Y, verbose=0)


class Stop(tv.callbacks.Callback):
    """Every program is known, and on its way, when training begins."""

    def on_train_begin(self, logs=None):
        self.compiled = compile_count()


@pytest.mark.parametrize("form", ["on the device", "on the host", "a stream"])
def test_all_programs_are_known_before_the_first_step(form, monkeypatch):
    if form == "on the host":
        monkeypatch.setattr(feeds, "device_budget", lambda: 0)
    model, stop = make({"on the device": 11, "on the host": 12, "a stream": 13}[form]), Stop()
    data = {"x": X[:20], "y": Y[:20]}
    if form == "a stream":
        data = {"x": iter([(X[i : i + 5], Y[i : i + 5]) for i in range(0, 20, 5)])}
    else:
        data |= {"batch_size": 8, "validation_data": (X, Y)}
    model.fit(**data, callbacks=[stop], verbose=0)
    assert compile_count() == stop.compiled


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 30),
    size=st.integers(1, 9),
    chunk=st.none() | st.integers(1, 12),
    resident=st.booleans(),
    steps=st.none() | st.integers(1, 4),
    what=st.sampled_from(["fit", "evaluate"]),
    room=st.integers(1, 100),
)
def test_segments_are_what_was_announced(count, size, chunk, resident, steps, what, room):
    """Every batch comes once, in its place, in segments of the announced forms."""
    steps = steps and min(steps, -(-count // size))
    source = ArraySource(
        (np.arange(count, dtype="float32")[:, None],), batch_size=size, steps=steps, what=what
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feeds, "device_budget", lambda: 1 << 30 if resident else 0)
        patch.setattr(feeds, "_BLOCK_BYTES", room)
        feed = Feed(source, chunk)
        announced = {(d.shape, s, rows) for (d,), s, rows in (x.form for x in feed.first())}
        passes = [list(feed.segments((0, 0))) for _ in range(2)]
    for laid in passes:
        check_segments(laid, announced, count, size, steps)


def check_segments(laid, announced, count, size, steps):
    seen, forms = [], set()
    for segment in laid:
        [data] = segment.data
        forms.add((data.shape, segment.size, len(segment.order)))
        for step in range(segment.steps):
            first = segment.base + step * segment.size
            index = np.asarray(segment.order[first : first + segment.size])
            seen.append(np.asarray(data)[index, 0].astype(int).tolist())
    whole = [list(range(i, min(i + size, count))) for i in range(0, count, size)]
    assert seen == whole[:steps]
    assert announced == forms if steps is None else announced & forms


def test_outputs_are_collected_in_pieces(monkeypatch):
    model = make(5)
    monkeypatch.setattr(row_steps, "_MOST", 8)
    whole = model.predict(X, batch_size=5, verbose=0)
    monkeypatch.setattr(engine, "_BUFFER", 1)
    small = make(5)
    small.set_weights(model.get_weights())
    seen = []
    watch = tv.callbacks.LambdaCallback()
    watch.on_chunk_end = lambda mode, step, logs: seen.append(step)
    np.testing.assert_array_equal(
        small.predict(X, batch_size=5, verbose=0, callbacks=[watch]), whole
    )
    assert seen == [1, 3, 5]  # Of 8, 16 and 23 rows.


def test_outputs_of_an_execution_come_whole(monkeypatch):
    monkeypatch.setattr(engine, "_BUFFER", 1)
    model, parts = make(5, steps_per_execution=3), []
    watch = tv.callbacks.LambdaCallback()
    watch.on_predict_batch_end = lambda batch, logs: parts.append((batch, logs["outputs"]))
    outputs = model.predict(X, batch_size=5, verbose=0, callbacks=[watch])
    assert [(batch, len(part)) for batch, part in parts] == [(2, 15), (4, 8)]
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), outputs)


def test_a_single_number_for_a_batch_is_no_prediction():
    x = tv.Input((3,))
    model = tv.Model(x, {"total": tv.ops.sum(x)})
    with pytest.raises(ValueError, match=r"output\['total'\] is a single number.*keepdims"):
        model.predict(X, verbose=0)
    assert model(X)["total"].shape == ()


def test_a_state_of_another_length_is_refused():
    class Losing(tv.Sequential):
        def train_step(self, state, data):
            logs, (trainable, *rest) = super().train_step(state, data)
            return logs, (trainable[1:], *rest)

    model = Losing([tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"state of 6 arrays and returned one of 5"):
        model.fit(X, Y, verbose=0)


def test_a_stream_is_read_once():
    """Building, compiling and training on a first batch fetch it no more than twice."""
    fetched = []

    class Counting(tv.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            fetched.append(index)
            return X[:4], Y[:4]

    make(3).fit(Counting(), epochs=2, shuffle=False, verbose=0)
    assert fetched == [0, 0, 1, 0, 1]
    source = make_source(iter([(X, Y)]))
    assert source.example() is source.example()
    assert len(list(source.batches())) == 1


def test_models_that_differ_in_what_inference_leaves_out_have_programs_of_their_own():
    """A program without the random states that nothing reads has the text of one without them."""
    x = np.linspace(-1, 1, 24, dtype="float32").reshape(6, 4)
    layers = tv.layers
    stacks = [
        [layers.Dense(4)],
        [layers.Dense(4), layers.Dropout(0.5)],
        [layers.Dropout(0.5), layers.Dense(4)],
        [layers.Dropout(0.5), layers.Dense(4), layers.GaussianNoise(0.5)],
        [layers.Dense(4), layers.Dropout(0.5), layers.GaussianNoise(0.5)],
    ]
    for stack in stacks:
        model = tv.Sequential([tv.Input((4,)), *stack])
        np.testing.assert_allclose(model.predict(x, verbose=0), model(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("count", [32, 40, 64])
def test_draws_of_a_layer_made_in_call_and_a_smaller_last_batch(count):
    class Noisy(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = tv.layers.Dense(1)

        def call(self, x, training=False):
            return self.dense(tv.layers.Dropout(0.3)(jnp.tanh(x), training=training))

    model = Noisy()
    model.compile("sgd", "mse")
    x = np.ones((count, 3), "float32")
    history = model.fit(x, x[:, :1], epochs=3, batch_size=32, verbose=0).history
    assert len(set(history["loss"])) == 3
    # Its generator belongs to the model: it has moved on with every step.
    [state] = model.non_trainable_variables
    assert int(state.numpy()[1]) == 3 * -(-count // 32)
