"""Everything with a config against the real Keras: equal, there and back, inside of another, copied and pickled."""

import inspect
import json

import numpy as np
import pytest
from configs import check_config, plain
from oracle import recorded

import trivium as tv
from trivium.saving import deserialize_keras_object, serialize_keras_object
from trivium.state.configured import Configured, arguments

ARRAY = np.arange(3.0, dtype="float32")
# For what cannot be made without arguments, and for arguments that are more than plain values.
MADE = {
    "initializers.Constant": {"value": ARRAY},
    "initializers.HeNormal": {"seed": 3},
    "constraints.MaxNorm": {"max_value": 3, "axis": [0, 1]},
    "regularizers.L1": {"l1": 0.5},  # Keras writes a number rounded to float32.
    "regularizers.L2": {"l2": 0.5},
    "regularizers.OrthogonalRegularizer": {"factor": 0.5},
    "losses.Huber": {"delta": 0.5, "name": "mine", "reduction": "sum"},
    "losses.CategoricalCrossentropy": {"label_smoothing": 0.1, "from_logits": True},
    "metrics.IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "metrics.MeanIoU": {"num_classes": 3, "ignore_class": 1},
    "metrics.OneHotIoU": {"num_classes": 3, "target_class_ids": [0]},
    "metrics.OneHotMeanIoU": {"num_classes": 3},
    "metrics.PrecisionAtRecall": {"recall": 0.5},
    "metrics.RecallAtPrecision": {"precision": 0.5, "num_thresholds": 5},
    "metrics.SensitivityAtSpecificity": {"specificity": 0.5, "class_id": 1},
    "metrics.SpecificityAtSensitivity": {"sensitivity": 0.5},
    "metrics.Precision": {"thresholds": [0.2, 0.6], "top_k": 2},
    "metrics.AUC": {"thresholds": [0.2, 0.6], "curve": "PR"},
    "metrics.SparseTopKCategoricalAccuracy": {"k": 3},
    "optimizers.SGD": {
        "learning_rate": "schedule",
        "momentum": 0.5,
        "nesterov": True,
        "clipnorm": 1.0,
    },
    "optimizers.Adam": {
        "weight_decay": 0.1,
        "amsgrad": True,
        "use_ema": True,
        "gradient_accumulation_steps": 2,
    },
    "optimizers.LossScaleOptimizer": {"inner_optimizer": "optimizer", "initial_scale": 8.0},
    "optimizers.schedules.ExponentialDecay": {
        "initial_learning_rate": 0.1,
        "decay_steps": 9,
        "decay_rate": 0.5,
    },
    "optimizers.schedules.InverseTimeDecay": {
        "initial_learning_rate": 0.1,
        "decay_steps": 9,
        "decay_rate": 0.5,
    },
    "optimizers.schedules.PolynomialDecay": {
        "initial_learning_rate": 0.1,
        "decay_steps": 9,
        "cycle": True,
    },
    "optimizers.schedules.CosineDecay": {
        "initial_learning_rate": 0.1,
        "decay_steps": 9,
        "warmup_target": 0.2,
    },
    "optimizers.schedules.CosineDecayRestarts": {
        "initial_learning_rate": 0.1,
        "first_decay_steps": 9,
    },
    "optimizers.schedules.PiecewiseConstantDecay": {
        "boundaries": [1, 2],
        "values": [0.1, 0.2, 0.3],
    },
    "DTypePolicy": {"name": "mixed_bfloat16"},
}
ROOMS = [
    "initializers",
    "regularizers",
    "constraints",
    "losses",
    "metrics",
    "optimizers",
    "optimizers.schedules",
]
# Bases, which are nothing by themselves, and what the real Keras has not.
LEFT_OUT = {
    "Initializer", "Regularizer", "Constraint", "Loss", "Metric", "Optimizer", "LearningRateSchedule",
    "LossFunctionWrapper", "MeanMetricWrapper", "OptaxOptimizer", "MultiOptimizer", "OptimizerMap",
    "SumOverBatchSize", "Configured", "Guarded",
}  # fmt: skip


def room_of(library, path):
    for name in path.split("."):
        library = getattr(library, name)
    return library


def names():
    """Return the path of each class in the rooms, once."""
    for room in ROOMS:
        found = {
            id(c): n
            for n, c in vars(room_of(tv, room)).items()
            if inspect.isclass(c) and n == c.__name__
        }
        for name in found.values():
            if issubclass(getattr(room_of(tv, room), name), Configured) and name not in LEFT_OUT:
                yield f"{room}.{name}"
    yield "DTypePolicy"


NAMES = sorted(n for n in names() if not n.rpartition(".")[2].startswith("_"))


def made(library, path, said):
    """Return an object of a class, all of its parts from the same library."""
    said = dict(said)
    if said.get("learning_rate") == "schedule":
        said["learning_rate"] = library.optimizers.schedules.ExponentialDecay(0.1, 9, 0.5)
    if "inner_optimizer" in said:
        said["inner_optimizer"] = library.optimizers.SGD(0.5, name="inner")
    cls = room_of(library, path)
    if "name" in inspect.signature(cls).parameters:
        said = {"name": "mine", **said}
    return cls(**said)


def written(library, path, said):
    """Return the config with the class's name; nothing where the library has no such class."""
    if not has(library, path):
        return None
    return plain(library.saving.serialize_keras_object(made(library, path, said)))


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's optimizers do.
@pytest.mark.parametrize("path", NAMES)
def test_configs(path):
    said = MADE.get(path, {})
    thing = made(tv, path, said)
    theirs = json.loads(recorded(lambda keras: json.dumps(written(keras, path, said))))
    if theirs is not None:
        # What Keras forgets, ours keeps, and Keras reads.
        kept = plain(thing.get_config())
        forgotten = {k for k in said if k in kept and k not in theirs["config"]}
        theirs["config"] |= {k: kept[k] for k in forgotten}
    check_config(thing, theirs)


def has(library, path):
    try:
        return bool(room_of(library, path))
    except AttributeError:
        return False


def test_optimizers_of_optimizers():
    o = tv.optimizers
    check_config(
        o.MultiOptimizer(o.OptimizerMap(o.SGD(), {"a/.*": o.Adam(name="a")}), name="several")
    )
    check_config(tv.losses.LossFunctionWrapper(tv.losses.mean_squared_error, name="mine"))
    check_config(tv.metrics.MeanMetricWrapper(tv.losses.mean_squared_error, name="mine"))
    check_config(tv.initializers.HeNormal(seed=tv.random.SeedGenerator(3)))


def test_values_of_all_kinds_go_there_and_back():
    values = [
        None, True, 1, 0.5, "text", b"bytes", ..., slice(1, None, 2), [1, [2]], {"a": {"b": (1,)}}, ARRAY,
        np.float32(0.5), tv.losses.mean_squared_error, tv.activations.relu, {"layer": tv.layers.Dense(2, name="d")},
    ]  # fmt: skip
    again = deserialize_keras_object(plain(serialize_keras_object(values)))
    assert again[:8] == values[:8] and again[8:10] == [[1, [2]], {"a": {"b": [1]}}]
    assert np.array_equal(again[10], ARRAY) and again[10].dtype == ARRAY.dtype and again[11] == 0.5
    assert again[12] is tv.losses.mean_squared_error and again[13] is tv.activations.relu
    assert again[14]["layer"].units == 2
    assert serialize_keras_object((1, (2,))) == (1, (2,))


def test_names_in_configs_are_looked_up_and_nothing_is_imported():
    for config in (
        {"module": "os", "class_name": "system", "config": {}, "registered_name": "system"},
        {
            "module": "builtins",
            "class_name": "function",
            "config": "eval",
            "registered_name": "function",
        },
        {
            "module": "subprocess",
            "class_name": "Popen",
            "config": {"args": "true"},
            "registered_name": None,
        },
        {
            "module": "keras.saving",
            "class_name": "load_model",
            "config": {},
            "registered_name": None,
        },
    ):
        with pytest.raises(ValueError, match="is not known here"):
            deserialize_keras_object(config)
    with pytest.raises(ValueError, match="code from files is not run"):
        deserialize_keras_object({"class_name": "__lambda__", "config": {"value": "x"}})


def test_a_name_in_two_rooms_is_told_apart_by_the_module():
    for room in ("losses", "metrics"):
        config = {
            "module": f"keras.{room}",
            "class_name": "MeanSquaredError",
            "config": {},
            "registered_name": None,
        }
        assert isinstance(deserialize_keras_object(config), getattr(tv, room).MeanSquaredError)
    identity = {
        "module": "keras.initializers",
        "class_name": "Identity",
        "config": {},
        "registered_name": None,
    }
    assert isinstance(deserialize_keras_object(identity), tv.initializers.Identity)


class Doubled(tv.losses.Loss):
    def __init__(self, factor=2.0, name="doubled", **kwargs):
        super().__init__(name=name, **kwargs)
        self._by = factor

    def call(self, y_true, y_pred):
        return self._by * (y_true - y_pred)


class Tripled(Doubled):
    def __init__(self, **kwargs):
        super().__init__(factor=3.0, **kwargs)


class Spoken(tv.layers.Dense):
    """One that writes its config itself, on top of that of the class behind it."""

    def __init__(self, units, word="hello", **kwargs):
        super().__init__(units, **kwargs)
        self.word = word

    def get_config(self):
        return {**super().get_config(), "word": self.word}


def test_classes_of_ones_own():
    assert list(arguments(Tripled)) == ["factor", "name", "reduction", "dtype"]
    with tv.saving.custom_object_scope({"Doubled": Doubled, "Tripled": Tripled, "Spoken": Spoken}):
        for thing in (
            Doubled(0.5, reduction="sum"),
            Tripled(name="t"),
            Spoken(3, "bye", activation="relu", name="s"),
        ):
            check_config(thing)
    assert Doubled(0.5).get_config() == {
        "factor": 0.5,
        "name": "doubled",
        "reduction": "sum_over_batch_size",
    }
    assert "factor" not in Tripled().get_config()


def test_scopes_of_names():
    from trivium.saving import (
        CustomObjectScope,
        custom_object_scope,
        get_custom_objects,
        get_registered_object,
    )

    with (
        custom_object_scope(None),
        CustomObjectScope({"one": 1}) as scope,
        custom_object_scope({"two": 2}),
    ):
        assert get_registered_object("one") == 1 and get_registered_object("two") == 2
        assert scope.custom_objects == {"one": 1} and "one" not in get_custom_objects()
    assert get_registered_object("one") is None
    get_custom_objects()["tests>three"] = 3
    assert get_registered_object("three") == 3
    del get_custom_objects()["tests>three"]
    for room in (tv.saving, tv.utils):
        for name in ("CustomObjectScope", "deserialize_keras_object", "get_custom_objects", "get_registered_name",
                     "get_registered_object", "register_keras_serializable", "serialize_keras_object"):  # fmt: skip
            assert hasattr(room, name)
    with pytest.raises(ValueError, match="no `get_config`"):
        tv.saving.register_keras_serializable()(type("Bare", (), {}))
