"""Small helpers: named values, progress of loops of one's own, settings, names, dtypes, older configs."""

import logging
import re

import jax
import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium import backend, config, utils
from trivium.training.callbacks import console


def test_named_values():
    values = utils.Config(rate=0.1)
    values.seed = 3
    values["names"] = ["a"]
    assert (values.rate, values["seed"], len(values)) == (0.1, 3, 3)
    assert values.as_dict() == dict(values.items()) == {"rate": 0.1, "seed": 3, "names": ["a"]}
    assert values.to_json() == '{"rate": 0.1, "seed": 3, "names": ["a"]}'
    assert values.pop("names") == ["a"] and values.get("names") is None and "names" not in values
    values.update(seed=4)
    values.freeze()
    for change in (
        lambda: setattr(values, "seed", 5),
        lambda: values.pop("seed"),
        lambda: values.update(rate=1),
    ):
        with pytest.raises(ValueError, match="frozen"):
            change()
    assert values.frozen and values.seed == 4
    values.unfreeze()
    del values.seed
    with pytest.raises(AttributeError, match=r"no entry 'rat'.*'rate'"):
        _ = values.rat


def test_progress_of_a_loop(capsys, monkeypatch):
    bar = utils.Progbar(4, stateful_metrics=["epoch"], unit_name="sample")
    bar.update(1, [("loss", 1.0), ("epoch", 1.0)])
    bar.add(3, [("loss", 5.0), ("epoch", 2.0)])
    text = capsys.readouterr().out
    assert re.fullmatch(r"4/4 - 0s - \d+[mu]?s/sample - loss: 4\.0000 - epoch: 2\.0000\n", text)

    monkeypatch.setattr(console, "is_interactive", lambda: True)
    bar = utils.Progbar(None, stateless_metrics=["loss"], interval=0)
    bar.update(2, [("loss", 1.0), ("last", 1.0)])
    bar.update(3, [("loss", 4.0), ("last", 7.0)], finalize=True)
    text = capsys.readouterr().out
    assert text.count("\r") == 2 and "loss: 2.0000 - last: 7.0000" in text and text.endswith("\n")
    utils.Progbar(1, verbose=0).update(1, [("loss", 1.0)])
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="not both"):
        utils.Progbar(1, stateful_metrics=[], stateless_metrics=[])


def model():
    made = tv.Sequential([tv.Input((1,)), tv.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


X = np.ones((8, 1), "float32")


def test_progress_is_logged_where_that_is_set(capsys, caplog):
    config.disable_interactive_logging()
    try:
        assert not utils.is_interactive_logging_enabled()
        with caplog.at_level(logging.INFO, "trivium"):
            model().fit(X, X, epochs=2)
    finally:
        config.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert [r.message for r in caplog.records][::2] == ["Epoch 1/2", "Epoch 2/2"]
    assert "loss" in caplog.records[1].message


def test_limits_of_epochs_and_steps():
    steps = []
    count = tv.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append(batch))
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    try:
        history = model().fit(X, X, batch_size=2, epochs=5, verbose=0, callbacks=[count])
        assert len(history.epoch) == 2 and steps == [0, 1, 2] * 2
        assert model().predict(X, batch_size=2, verbose=0).shape == (6, 1)
        config.set_max_steps_per_epoch(99)
        assert model().predict(X, batch_size=2, verbose=0).shape == (8, 1)
    finally:
        config.set_max_epochs(None)
        config.set_max_steps_per_epoch(None)
    assert config.max_epochs() is None and config.max_steps_per_epoch() is None
    assert len(model().fit(X, X, epochs=3, verbose=0).epoch) == 3
    for limit in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="whole number above zero"):
            config.set_max_epochs(limit)


def test_settings_that_say_what_is_not_to_be_had():
    assert config.backend() == backend.backend() == "jax" and not config.is_nnx_enabled()
    config.set_backend("jax")
    with pytest.raises(ValueError, match="JAX, always; got 'torch'"):
        config.set_backend("torch")
    with pytest.raises(RuntimeError, match="safe_mode=False"):
        config.enable_unsafe_deserialization()


@pytest.mark.parametrize("name", ["flash_attention", "interactive_logging", "traceback_filtering"])
def test_switches(name):
    enable, disable, is_enabled = (
        getattr(config, form.format(name)) for form in ("enable_{}", "disable_{}", "is_{}_enabled")
    )
    assert is_enabled()
    disable()
    assert not is_enabled()
    enable()
    assert is_enabled()


def test_tracebacks_are_filtered_by_jax():
    config.disable_traceback_filtering()
    try:
        assert jax.config.jax_traceback_filtering == "off"
    finally:
        config.enable_traceback_filtering()
    assert config.is_traceback_filtering_enabled() and jax.config.jax_traceback_filtering == "auto"


def test_dtypes_as_keras_has_them():
    pairs = [
        (), ("float32",), ("int32", "float16"), ("bfloat16", int), ("int8", "uint8"), (int, int), (int, float),
        ("float16", "bfloat16"), ("bool", "int32"), ("complex64", "float32"), ("bool", float), ("uint32", "int32"),
        (None, "float16"), ("float16", float),
    ]  # fmt: skip

    def call(lib):
        names = ("float16", "bfloat16", "int8", "uint32", "bool", "float64")
        return [
            [lib.backend.result_type(*given) for given in pairs],
            [lib.backend.is_float_dtype(name) for name in names],
            [lib.backend.is_int_dtype(name) for name in names],
            [lib.utils.standardize_dtype(d) for d in (None, int, float, bool, "int8", np.float16)],
        ]

    ours, theirs = both(call)
    assert ours == theirs


def test_settings_that_are_checked():
    assert config.set_epsilon is backend.set_epsilon
    before = backend.epsilon()
    config.set_epsilon(1e-3)
    try:
        assert backend.epsilon() == 1e-3
    finally:
        backend.set_epsilon(before)


def test_batches_and_their_parts():
    x, y, w = np.ones(2), np.zeros(2), np.ones(2)
    for given in ((x,), (x, y), (x, y, w)):
        packed = utils.pack_x_y_sample_weight(*given)
        # As Keras does: what is alone and no list stands for itself.
        assert packed is x if len(given) == 1 else packed == given
        assert utils.unpack_x_y_sample_weight(packed) == (*given, None, None)[:3]


def test_names_and_tensors():
    assert [backend.get_uid("thing"), backend.get_uid("thing"), backend.get_uid()] == [1, 2, 1]
    x, y = tv.Input((2,)), tv.Input((2,))
    z = tv.layers.Dense(3)(x + y) * 2
    assert utils.get_source_inputs(z) == [x, y] and utils.get_source_inputs(x) == [x]
    assert (
        isinstance(z, tv.KerasTensor) and utils.is_keras_tensor(z) and not utils.is_keras_tensor(X)
    )
    assert tv.version() == tv.__version__


def test_sources_of_deep_and_wide_graphs():
    x = y = tv.Input((2,))
    for _ in range(1500):
        y = y + y  # Each tensor is reached once, and no stack of Python's ends it.
    assert utils.get_source_inputs(y) == [x]


def test_older_names_of_policies():
    assert tv.mixed_precision.Policy is tv.DTypePolicy is tv.mixed_precision.DTypePolicy
    tv.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        assert tv.mixed_precision.global_policy().name == "mixed_bfloat16"
        assert tv.layers.Dense(1).compute_dtype == "bfloat16"
    finally:
        tv.mixed_precision.set_global_policy(None)  # Whatever the default float is.


class NeverRegistered(tv.layers.Layer):
    pass


def test_older_configs():
    legacy = tv.legacy.saving
    assert utils.legacy.serialize_keras_object is legacy.serialize_keras_object
    for thing in (
        tv.layers.Dense(3, name="d"),
        tv.regularizers.L2(0.5),
        tv.initializers.Constant(2.0),
    ):
        written = legacy.serialize_keras_object(thing)
        assert written.keys() == {"class_name", "config"}
        again = legacy.deserialize_keras_object(written)
        assert type(again) is type(thing) and again.get_config() == thing.get_config()
    assert legacy.deserialize_keras_object("relu") is tv.activations.relu
    assert legacy.deserialize_keras_object(None) is legacy.serialize_keras_object(None) is None
    written = legacy.serialize_keras_object(NeverRegistered(name="own"))
    with pytest.raises(ValueError, match="NeverRegistered"):
        legacy.deserialize_keras_object(written)
    for known in (
        {"module_objects": {"NeverRegistered": NeverRegistered}},
        {"custom_objects": {"NeverRegistered": NeverRegistered}},
    ):
        assert type(legacy.deserialize_keras_object(written, **known)) is NeverRegistered
    with pytest.raises(ValueError, match="A thing is written as a dict"):
        legacy.deserialize_keras_object({"name": "relu"}, printable_module_name="thing")
