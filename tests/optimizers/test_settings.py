"""Settings changed later take effect or say why not; names that mean nothing are refused with the nearest one."""

import numpy as np
import pytest

import trivium as tv
from trivium import losses, metrics, optimizers
from trivium.optimizers import schedules

ONE = [np.ones(1, "float32")]


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (optimizers.SGD, "lr", "SGD has no setting 'lr'. Did you mean 'learning_rate'"),
        (optimizers.Adam, "decay", "schedule as `learning_rate`"),
        (optimizers.Adam, "beta1", "'beta_1'"),
        (optimizers.RMSprop, "clip_norm", "'clipnorm'"),
        (lambda: schedules.CosineDecay(0.1, 10), "decay_step", "'decay_steps'"),
        (losses.Huber, "dleta", "Huber has no setting 'dleta'. Did you mean 'delta'"),
        (losses.MeanSquaredError, "reductoin", "'reduction'"),
        (metrics.AUC, "num_threshold", "'num_thresholds'"),
        (metrics.BinaryAccuracy, "treshold", "'threshold'"),
    ],
)
def test_a_setting_that_there_is_not_is_refused(make, name, words):
    thing = make()
    before = thing.get_config()
    with pytest.raises(AttributeError, match=words.replace("(", r"\(")):
        setattr(thing, name, 0.5)
    assert thing.get_config() == before and not hasattr(thing, name)


@pytest.mark.parametrize(
    "room", [optimizers, losses, metrics, schedules], ids=lambda room: room.__name__.split(".")[-1]
)
def test_every_setting_that_there_is_can_be_set(room):
    needed = {
        "num_classes": 3, "target_class_ids": [0], "sensitivity": 0.5, "specificity": 0.5, "precision": 0.5,
        "recall": 0.5, "fn": losses.mean_squared_error, "initial_learning_rate": 0.1, "decay_steps": 5,
        "decay_rate": 0.5, "first_decay_steps": 3, "boundaries": [1], "values": [0.1, 0.2],
        "inner_optimizer": optimizers.SGD(), "optimizer_map": optimizers.OptimizerMap(optimizers.SGD()),
    }  # fmt: skip
    from trivium.state.configured import arguments

    for name in room.__all__:
        cls = getattr(room, name)
        if not isinstance(cls, type) or name in ("OptaxOptimizer", "Optimizer", "OptimizerMap"):
            continue
        taken = arguments(cls)
        thing = cls(**{k: v for k, v in needed.items() if k in taken})
        for setting in taken:
            if isinstance(getattr(cls, setting, None), property):
                continue
            if hasattr(thing, setting):
                setattr(thing, setting, getattr(thing, setting))
        with pytest.raises(AttributeError, match="has no setting 'no_such_thing'"):
            thing.no_such_thing = 1


def test_a_class_of_ones_own_has_the_attributes_that_it_likes():
    class Mine(optimizers.SGD):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.decay = 0.5

    mine = Mine()
    mine.decay, mine.note, mine._private = 0.25, "yes", 1
    assert mine.decay == 0.25 and mine.note == "yes"
    with pytest.raises(AttributeError, match="'learning_rate'"):
        mine.lr = 0.1
    optimizers.SGD()._private = 1


def test_a_setting_changed_between_steps_takes_effect_or_says_why_not():
    sgd, w = optimizers.SGD(1.0), [tv.Variable([0.0])]
    sgd.apply(ONE, w)
    sgd.clipvalue = 0.25
    sgd.apply(ONE, w)
    assert w[0].numpy().tolist() == [-1.25]
    for name, value in (("momentum", 0.9), ("use_ema", True), ("gradient_accumulation_steps", 2)):
        old = getattr(sgd, name)
        with pytest.raises(
            AttributeError, match=f"{name!r} of .*cannot become {value}.*before the first step"
        ):
            setattr(sgd, name, value)
        assert getattr(sgd, name) == old
    sgd.apply(ONE, w)
    assert w[0].numpy().tolist() == [-1.5]
    heavy = optimizers.SGD(1.0, momentum=0.5)
    heavy.momentum = 0.25
    heavy.apply(ONE, w)
    heavy.momentum = 0.75
    heavy.apply(ONE, w)
    assert w[0].numpy().tolist() == [-1.5 - 1.0 - 1.75]


def test_a_schedule_changed_between_steps_takes_effect():
    rate = schedules.ExponentialDecay(1.0, 1, 1.0)
    sgd, w = optimizers.SGD(rate), [tv.Variable([0.0])]
    sgd.apply(ONE, w)
    rate.initial_learning_rate = 10.0
    sgd.apply(ONE, w)
    assert w[0].numpy().tolist() == [-11.0]


def test_a_compiled_model_sees_what_is_changed_in_its_parts():
    x = np.ones((4, 1), "float32")
    model = tv.Sequential(
        [tv.Input((1,)), tv.layers.Dense(1, kernel_initializer="ones", use_bias=False)]
    )
    loss, metric = losses.Huber(1.0), metrics.BinaryAccuracy(threshold=0.5, name="right")
    rate = schedules.ExponentialDecay(0.5, 1, 1.0)
    model.compile(optimizers.SGD(rate), loss, metrics=[metric])
    assert model.evaluate(x, 4 * x, verbose=0) == [2.5, 0.0]
    assert model.evaluate(x, x, verbose=0) == [0.0, 1.0]
    loss.delta = 0.5
    assert loss.get_config()["delta"] == 0.5
    assert model.evaluate(x, 4 * x, verbose=0)[0] == 0.5 * (3 - 0.25)
    metric.threshold = 2.0
    assert model.evaluate(x, 0 * x, verbose=0)[1] == 1.0
    model.fit(x, 4 * x, verbose=0)  # The gradient is -0.5.
    assert model.layers[0].kernel.numpy().item() == 1.25
    rate.initial_learning_rate = 1.0
    model.fit(x, 4 * x, verbose=0)
    assert model.layers[0].kernel.numpy().item() == 1.75
