"""Generators of random numbers, summaries, one replica, errors and TensorFlow 1's settings; what Keras 2 took."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trivium
from trivium.compat import NotCovered, active
from trivium.compat.older import applied

with active():
    import tensorflow as tf

    # A face looks its names up when they are asked for.
    Generator, draws = tf.random.Generator, tf.random


def test_a_generator_goes_on_and_a_seed_begins_it_anew() -> None:
    one, two = Generator.from_seed(7), Generator.from_seed(7)
    first = one.normal((3,))
    assert np.array_equal(first, two.normal((3,))) and not np.array_equal(first, one.normal((3,)))
    one.reset_from_seed(7)
    assert np.array_equal(first, one.normal((3,)))
    copy = Generator.from_state(one.state.value)
    assert np.array_equal(
        copy.uniform((2,), 0, 9, dtype=tf.int32), one.uniform((2,), 0, 9, dtype=tf.int32)
    )
    assert len({float(g.normal(())) for g in one.split(3)}) == 3
    assert one.make_seeds(2).shape == (2, 2) and 0 <= int(one.binomial((), 5, 0.5)) <= 5
    with pytest.raises(ValueError, match="from_seed"):
        Generator()


def test_functions_of_a_seed_have_no_state() -> None:
    for function, arguments in (
        (draws.stateless_normal, {}), (draws.stateless_uniform, {}), (draws.stateless_truncated_normal, {}),
        (draws.stateless_uniform, {"minval": 2, "maxval": 5, "dtype": tf.int32}),
    ):  # fmt: skip
        drawn = [
            function([50], seed=seed, **arguments) for seed in ((1, 2), (1, 2), (1, 3), (2, 2))
        ]
        assert np.array_equal(drawn[0], drawn[1])
        assert not np.array_equal(drawn[0], drawn[2]) and not np.array_equal(drawn[0], drawn[3])
    assert set(np.asarray(drawn[0]).tolist()) == {2, 3, 4}
    assert draws.split([1, 2], 3).shape == (3, 2)
    with pytest.raises(ValueError, match="two whole numbers"):
        draws.stateless_normal([2], seed=3)


def test_distributions() -> None:
    draws.set_seed(1)
    assert abs(float(np.mean(draws.poisson([2000], 4.0))) - 4) < 0.2
    assert abs(float(np.mean(draws.gamma([2000], alpha=[3.0], beta=2.0))) - 1.5) < 0.1
    assert draws.poisson([2], [1.0, 2.0, 3.0]).shape == (2, 3)


def test_a_layer_s_generator_moves_on_in_compiled_code() -> None:
    class Noise(trivium.layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.generator = Generator.from_seed(4)

        def call(self, inputs: Any) -> Any:
            return inputs + self.generator.normal(tf.shape(inputs))

    model = trivium.Sequential([trivium.Input((2,)), Noise()])
    drawn = model.predict(np.zeros((4, 2), "float32"), batch_size=2, verbose=0)
    assert len(np.unique(drawn)) == 8


def test_summaries_are_tensorboard_s(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    writer = tf.summary.create_file_writer(str(tmp_path))
    assert not tf.summary.scalar("nowhere", 1.0, step=1)
    with writer.as_default(step=3):
        assert tf.summary.scalar("loss", tf.constant(0.5))
        tf.summary.histogram("weights", [1.0, 2.0], step=4)
        tf.summary.image("picture", np.zeros((1, 4, 4, 3)), step=4)
        tf.summary.text("said", "hello", step=4)
        with tf.summary.record_if(False):
            assert not tf.summary.scalar("not this", 1.0)
    writer.close()
    found = EventAccumulator(str(tmp_path)).Reload()
    assert sorted(found.Tags()["tensors"]) == ["loss", "picture", "said", "weights"]
    (event,) = found.Tensors("loss")
    assert event.step == 3 and event.tensor_proto.float_val == [0.5]
    with (
        tf.summary.create_file_writer(str(tmp_path)).as_default(),
        pytest.raises(ValueError, match="no step"),
    ):
        tf.summary.scalar("loss", 1.0)


def test_one_replica() -> None:
    strategy = tf.distribute.MirroredStrategy()
    assert not tf.distribute.has_strategy()
    with strategy.scope() as same:
        assert same is strategy is tf.distribute.get_strategy()
    assert tf.distribute.get_strategy() is not strategy
    assert strategy.run(lambda a, b: a + b, args=(1,), kwargs={"b": 2}) == 3
    assert float(strategy.reduce(tf.distribute.ReduceOp.MEAN, tf.constant([1.0, 3.0]), axis=0)) == 2
    data = strategy.distribute_datasets_from_function(
        lambda context: tf.data.Dataset.range(4).batch(context.get_per_replica_batch_size(2))
    )
    assert len(list(data)) == 2
    with pytest.raises(NotCovered, match="one device here; got 2"):
        tf.distribute.MirroredStrategy(["/gpu:0", "/gpu:1"])


def test_several_workers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tf.distribute.MultiWorkerMirroredStrategy().num_replicas_in_sync == 1
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:1"]}}')
    with pytest.raises(NotCovered, match="names 2 workers"):
        tf.distribute.MultiWorkerMirroredStrategy()


def test_a_session_is_for_its_settings_alone() -> None:
    config = tf.compat.v1.ConfigProto()
    config.gpu_options.allow_growth = True
    with (
        tf.compat.v1.Session(config=config) as session,
        pytest.raises(NotCovered, match="TensorFlow 1"),
    ):
        session.run(None)


def test_what_keras_2_took() -> None:
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    with applied():
        with pytest.warns(FutureWarning, match="`lr` is `learning_rate` now"):
            optimizer = trivium.optimizers.SGD(lr=0.5, momentum=0.9)
        assert float(optimizer.lr) == 0.5 and optimizer.momentum == 0.9
        optimizer.lr = 0.25
        assert float(optimizer.learning_rate) == 0.25
        kernel = np.full((2, 1), 3.0, "float32")
        layer = trivium.layers.Dense(1, weights=[kernel, np.zeros(1)])
        model = trivium.Sequential([trivium.Input((2,)), layer])
        assert np.array_equal(layer.kernel, kernel)
        model.compile(optimizer, "mse")
        saved: list[str] = []

        def batches() -> Any:
            while True:
                yield x[:4], y[:4]

        with pytest.warns(FutureWarning, match="`nb_epoch` is `epochs` now"):
            model.fit(x, y, nb_epoch=1, verbose=0)
        checkpoint = trivium.callbacks.ModelCheckpoint("m.keras", period=2)
        checkpoint.set_model(
            type("Model", (), {"save": lambda self, path, overwrite: saved.append(path)})()
        )
        for epoch in range(4):
            checkpoint.on_epoch_begin(epoch)
            checkpoint.on_epoch_end(epoch, {})
        assert len(saved) == 2
        history = model.fit_generator(batches(), steps_per_epoch=2, epochs=2, verbose=0, workers=1)
        assert len(history.history["loss"]) == 2
        assert model.predict_classes(x).shape == (8, 1) and model.predict_generator(
            batches(), steps=1
        ).shape == (4, 1)
        with pytest.raises(NotCovered, match="time_major=True"):
            trivium.layers.LSTM(2, time_major=True)
    assert not hasattr(trivium.Model, "fit_generator")
    with pytest.raises(ValueError, match="learning_rate"):
        trivium.optimizers.SGD(lr=0.5)
