"""Optimizers around others: loss scaling by itself, and several in one, against the real Keras."""

from __future__ import annotations

import copy
import json
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import optimizers
from trivium.state import Variable

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def values() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=s).astype("float32") for s in ((3, 4), (4,))]


def gradient(i: int) -> list[np.ndarray]:
    """Gradients of which some are not finite, twice in a row too."""
    random = np.random.default_rng(i + 1)
    made = [random.normal(size=s).astype("float32") for s in ((3, 4), (4,))]
    if i in (2, 3, 8):
        made[i % 2].reshape(-1)[1] = [np.inf, np.nan, -np.inf][i % 3]
    return made


def variables(kind: Any) -> list[Any]:
    return [kind(v, name=n) for v, n in zip(values(), ("kernel", "bias"), strict=True)]


def over_steps(keras: Any, oracle: Any) -> Any:
    """Return the variables and state of Keras's optimizer after 20 steps, the count, the final variables, the scale."""
    v = variables(keras.Variable)
    oracle.build(v)
    theirs = [x.value for x in v], [x.value for x in oracle.variables]
    step = jax.jit(oracle.stateless_apply)
    for i in range(20):
        theirs = step(theirs[1], gradient(i), theirs[0])
    for variable, value in zip([*v, *oracle.variables], [*theirs[0], *theirs[1]], strict=True):
        variable.assign(value)
    iterations = int(oracle.iterations)
    oracle.finalize_variable_values(v)
    return [*theirs[0], *theirs[1]], iterations, [x.value for x in v], oracle.scale_loss(1.0)


def compare_over_steps(mine: Any, oracle: Any) -> None:
    """Run over 20 steps: stateful, as a pure function, in a compiled loop; compare with what `over_steps` recorded."""
    w = variables(Variable)
    mine.build(w)
    first = [x.value for x in w], [x.value for x in mine.variables]
    pure = first
    for i in range(20):
        mine.apply(gradient(i), w)
        pure = mine.stateless_apply(pure[1], gradient(i), pure[0])
        assert jax.tree.map(jax.typeof, pure) == jax.tree.map(jax.typeof, first)
    everything = [*w, *mine.variables]
    for a, b in zip(everything, [*pure[0], *pure[1]], strict=True):
        np.testing.assert_array_equal(a, b)
    stacked = [jnp.stack(g) for g in zip(*map(gradient, range(20)), strict=True)]

    def body(i: Any, carry: Any) -> Any:
        return mine.stateless_apply(carry[1], [g[i] for g in stacked], carry[0])

    looped = jax.jit(lambda carry: jax.lax.fori_loop(0, 20, body, carry))(first)
    theirs, iterations, final, _ = oracle
    for a, b, c in zip(everything, [*looped[0], *looped[1]], theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(a, c, rtol=2e-5, atol=2e-6)
    assert int(mine.iterations) == iterations
    mine.finalize_variable_values(w)
    for a, b in zip(w, final, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("inner", "options"),
    [
        ("SGD", {"momentum": 0.9}),
        ("Adam", {"clipnorm": 1.0, "weight_decay": 0.1, "use_ema": True}),
        ("SGD", {"gradient_accumulation_steps": 2}),
    ],
)
def test_loss_scaling_agrees_with_keras(inner: str, options: dict[str, Any]) -> None:
    scaled = {"initial_scale": 8.0, "dynamic_growth_steps": 3}

    def made(module: Any) -> Any:
        return module.LossScaleOptimizer(getattr(module, inner)(0.05, **options), **scaled)

    def of_keras(keras: Any) -> Any:
        oracle = made(keras.optimizers)
        return float(oracle.scale_loss(2.0)), over_steps(keras, oracle)

    mine = made(optimizers)
    scale, theirs = recorded(of_keras)
    assert float(mine.scale_loss(2.0)) == scale == 16.0
    compare_over_steps(mine, theirs)
    assert float(mine.scale_loss(1.0)) == float(theirs[3]) != 8.0


@pytest.mark.parametrize("name", ["SGD", "Nadam", "Ftrl", "Adafactor", "Muon"])
def test_scaled_and_unscaled_again_is_as_before(name: str) -> None:
    """Powers of two change no digit of a float."""
    plain, w = getattr(optimizers, name)(0.05), variables(Variable)
    scaled = optimizers.LossScaleOptimizer(getattr(optimizers, name)(0.05), 8.0, 3)
    v = variables(Variable)
    scaled.build(v)
    for i in (0, 1, 4, 5, 6):
        plain.apply(gradient(i), w)
        scaled.apply([scaled.scale_loss(g) for g in gradient(i)], v)
    assert float(scaled.dynamic_scale) == 16.0
    state = [v for v in scaled.variables if v.owner is not None and v.owner() is not scaled]
    for a, b in zip([*w, *plain.variables], [*v, *state], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_the_scale_falls_at_once_and_grows_slowly() -> None:
    scaled = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), 8.0, dynamic_growth_steps=2)
    w = [Variable([0.0])]
    scales = []
    for g in (np.inf, 1.0, 1.0, 1.0, np.nan, 1.0, 1.0, 1.0):
        scaled.apply([np.full(1, g)], w)
        scales.append(float(scaled.scale_loss(1.0)))
    assert scales == [4.0, 4.0, 8.0, 8.0, 4.0, 4.0, 8.0, 8.0]
    assert int(scaled.iterations) == 6
    assert float(w[0].numpy()[0]) == -0.5 * (1 / 4 + 1 / 4 + 1 / 8 + 1 / 4 + 1 / 4 + 1 / 8)


def test_loss_scaling_hands_everything_else_on() -> None:
    inner = optimizers.AdamW(0.5, loss_scale_factor=4.0)
    scaled = optimizers.LossScaleOptimizer(inner, name="outer")
    assert inner.loss_scale_factor is None and scaled.inner == [inner]
    scaled.learning_rate = 0.25
    assert float(scaled.learning_rate) == float(inner.learning_rate) == 0.25
    w = variables(Variable)
    scaled.exclude_from_weight_decay(var_names=["bias"])
    scaled.build(w)
    scaled.build([])
    assert [v.path for v in scaled.variables[2:4]] == ["outer/step_counter", "outer/dynamic_scale"]
    scaled.apply([np.zeros((3, 4)), np.zeros(4)])
    np.testing.assert_array_equal(w[1], values()[1])
    assert not np.array_equal(w[0], values()[0])


CONFIGURED = {
    "scaled": lambda m: m.LossScaleOptimizer(
        m.Adam(m.schedules.ExponentialDecay(0.1, 5, 0.5), beta_1=0.8, name="a"), 4.0, 7, name="l"
    ),
    "several": lambda m: m.MultiOptimizer(
        m.OptimizerMap(m.SGD(0.5, name="s"), {"a/.*": m.Adam(name="x")}), 2.0, name="m"
    ),
}


@pytest.mark.parametrize("kind", CONFIGURED)
def test_configs_are_keras_both_ways(kind: str) -> None:
    make = CONFIGURED[kind]

    def of_keras(keras: Any) -> Any:
        config = keras.optimizers.serialize(make(keras.optimizers))
        # Keras takes the config that it reads apart.
        theirs = keras.optimizers.deserialize(copy.deepcopy(config))
        return config, keras.optimizers.serialize(theirs)

    config, read_again = recorded(of_keras)
    assert optimizers.serialize(make(optimizers)) == config
    again = optimizers.get(json.loads(json.dumps(config)))
    assert optimizers.serialize(again) == config
    assert "inner_optimizer" in config["config"] or "optimizer_map" in config["config"]
    assert read_again == config


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda o: o.LossScaleOptimizer(o.SGD(), clipnorm=1.0), ValueError, "`clipnorm`"),
        (lambda o: o.LossScaleOptimizer(o.SGD(), dynamic=False), ValueError, "loss_scale_factor"),
        (lambda o: o.LossScaleOptimizer(o.SGD(), initial=1.0), ValueError, "initial"),
    ],
)
def test_what_keras_refuses_is_refused(make: Any, error: type, words: str) -> None:
    def refused(library: Any) -> bool:
        with pytest.raises(error, match=words):
            make(library.optimizers)
        return True

    assert both(refused) == (True, True)


def test_other_misuse_of_wrappers_is_explained() -> None:
    with pytest.raises(
        ValueError, match=r"no argument 'inital_scale'. Did you mean 'initial_scale'"
    ):
        optimizers.LossScaleOptimizer(optimizers.SGD(), inital_scale=1.0)
    with pytest.raises(TypeError, match="`inner_optimizer` is an optimizer; got 'sgd'"):
        optimizers.LossScaleOptimizer("sgd")  # type: ignore[arg-type]
    scaled = optimizers.LossScaleOptimizer(optimizers.SGD())
    with pytest.raises(ValueError, match=r"call `build\(trainable_variables\)` first"):
        scaled.stateless_apply([], [], [])
    chosen = optimizers.OptimizerMap(optimizers.SGD(), {"a": optimizers.SGD()})
    with pytest.raises(ValueError, match="'a' has an optimizer already"):
        chosen["a"] = optimizers.Adam()
    with pytest.raises(ValueError, match="put it around all of them"):
        chosen["b"] = scaled
    with pytest.raises(TypeError, match="got 'adam'"):
        chosen["b"] = "adam"  # type: ignore[assignment]
    chosen["kern.*"], chosen[".*el"] = optimizers.Adam(), optimizers.Lion()
    with pytest.raises(
        ValueError, match=r"'kernel' is matched by the patterns \['kern.*', '.*el'\]"
    ):
        optimizers.MultiOptimizer(chosen).build(variables(Variable))
    several = optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD()))
    several.learning_rate = 0.5
    assert float(several.learning_rate) == float(several.optimizers[0].learning_rate) == 0.5


# --- several optimizers


def several(module: Any, how: str) -> Any:
    sgd = module.SGD(0.05, momentum=0.9, clipvalue=0.5)
    adam = module.Adam(0.05, weight_decay=0.1, use_ema=True)
    if how == "map":
        return module.MultiOptimizer(module.OptimizerMap(sgd, {"ker.*": adam}), 4.0)
    return module.MultiOptimizer(lambda v: sgd if "bias" in v.path else adam)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize("how", ["map", "function"])
def test_several_optimizers_agree_with_keras(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def finite(i: int) -> list[np.ndarray]:
        random = np.random.default_rng(i + 1)
        return [random.normal(size=s).astype("float32") for s in ((3, 4), (4,))]

    monkeypatch.setitem(globals(), "gradient", finite)
    theirs = recorded(lambda keras: over_steps(keras, several(keras.optimizers, how)))
    compare_over_steps(several(optimizers, how), theirs)


def test_a_map_is_a_mapping_by_whole_paths() -> None:
    sgd, adam, lion = optimizers.SGD(), optimizers.Adam(), optimizers.Lion()
    chosen = optimizers.OptimizerMap(sgd, {"encoder/.*": adam, "encoder/top": lion})
    paths = ["encoder/dense", "encoder/top", "encoder", "my/encoder/dense"]
    assert [chosen[p] for p in paths] == [adam, lion, sgd, sgd]
    assert len(chosen) == 2 and list(chosen) == ["encoder/.*", "encoder/top"]
    del chosen["encoder/.*"]
    assert chosen["encoder/dense"] is sgd
    assert optimizers.MultiOptimizer(chosen).optimizers == [lion, sgd]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda o: o.MultiOptimizer(None), TypeError, r"got None\. Write OptimizerMap\(SGD"),
        (lambda o: o.MultiOptimizer([o.SGD()]), TypeError, r"got a list\. .* from their paths"),
        (lambda o: o.MultiOptimizer({"a": o.SGD()}), TypeError, r"a default beside the dict"),
        (lambda o: o.MultiOptimizer(o.SGD()), TypeError, r"got a SGD"),
        (lambda o: o.MultiOptimizer(o.OptimizerMap), TypeError, r"an object of the class"),
        (lambda o: o.MultiOptimizer(lambda: o.SGD()), TypeError, r"a function of other arguments"),
        (lambda o: o.OptimizerMap("adam"), TypeError, r"`default_optimizer`.*get\('adam'\)"),
        (lambda o: o.OptimizerMap({"a": o.SGD()}, o.SGD()), TypeError, r"The default comes first"),
        (lambda o: o.OptimizerMap(o.SGD(), [("a", o.SGD())]), TypeError, r"got a list\. Write \{"),
        (lambda o: o.OptimizerMap(o.SGD(), {"a": o.Adam}), TypeError, r"of 'a' .* Write Adam\(\)"),
        (lambda o: o.OptimizerMap(o.SGD(), {"a(": o.SGD()}), ValueError, r"'a\(' is no pattern"),
        (lambda o: o.OptimizerMap(o.SGD(), {Path("d"): o.SGD()}), TypeError, r"layer 'd/\.\*'"),
    ],
)
def test_what_says_nothing_of_whose_variables_is_refused(make: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        make(optimizers)


class Path(NamedTuple):
    """Stands in for a layer."""

    path: str


def test_a_function_that_fails_leaves_nothing_built() -> None:
    given = [optimizers.SGD(0.5), None]
    several = optimizers.MultiOptimizer(lambda v: given["bias" in v.path])
    with pytest.raises(TypeError, match=r"returns for 'bias' is an optimizer; got None"):
        several.build(variables(Variable))
    assert not several.built and several.optimizers == []
    given[1] = given[0]
    w = variables(Variable)
    several.apply([np.ones_like(x) for x in values()], w)
    for after, before in zip(w, values(), strict=True):
        np.testing.assert_allclose(after, before - 0.5, rtol=1e-6)


def test_a_pattern_that_matches_nothing_is_told_of() -> None:
    chosen = optimizers.OptimizerMap(optimizers.SGD(), {"another/.*": optimizers.Adam()})
    with pytest.warns(UserWarning, match=r"'another/\.\*' matches none of the 2 .* as 'kernel' is"):
        optimizers.MultiOptimizer(chosen).build(variables(Variable))


def test_the_loss_scale_goes_to_all_and_frozen_parts_stay() -> None:
    both_of = several(optimizers, "map")
    assert [o.loss_scale_factor for o in both_of.optimizers] == [4.0, 4.0]
    both_of.loss_scale_factor = 2.0
    assert [o.loss_scale_factor for o in both_of.optimizers] == [2.0, 2.0]
    assert both_of.scale_loss(3.0) == 6.0
    w = variables(Variable)
    both_of.exclude_from_weight_decay(var_names=["kernel"])
    with pytest.warns(UserWarning, match=r"no gradients for the variables \['kernel'\]"):
        both_of.apply([None, np.ones(4)], w)
    np.testing.assert_array_equal(w[0], values()[0])
    assert not np.array_equal(w[1], values()[1])


# --- in a model


def model(library: Any, policy: str) -> Any:
    layers = [
        library.layers.Dense(8, activation="relu", dtype=policy),
        library.layers.Dense(1, dtype=policy),
    ]
    built = library.Sequential([library.Input((4,)), *layers])
    built.dtype_policy = policy
    random = np.random.default_rng(0)
    built.set_weights([random.normal(size=w.shape) for w in built.weights])
    return built


@pytest.mark.parametrize(
    ("policy", "options", "wrapped"),
    [
        ("mixed_float16", {}, True),
        ("mixed_float16", {"auto_scale_loss": False}, False),
        ("mixed_bfloat16", {}, False),
        ("float32", {}, False),
    ],
)
def test_compile_scales_the_loss_where_keras_does(
    policy: str, options: dict, wrapped: bool
) -> None:
    random = np.random.default_rng(1)
    x, y = (random.normal(size=(32, n)).astype("float32") for n in (4, 1))

    def trained(library: Any) -> Any:
        built = model(library, policy)
        built.compile("sgd", "mse", **options)
        optimizer = built.optimizer
        assert (type(optimizer).__name__ == "LossScaleOptimizer") == wrapped
        assert not wrapped or optimizer.name == "loss_scale_optimizer"
        built.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        scaled = (float(optimizer.dynamic_scale), int(optimizer.iterations)) if wrapped else None
        return [np.asarray(w) for w in built.weights], scaled

    (mine, our_scale), (theirs, scale) = both(trained)
    rtol = 1e-5 if policy == "float32" else 3e-2
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
    assert our_scale == scale


def test_an_optimizer_that_scales_is_not_wrapped_again() -> None:
    built, scaled = model(tv, "mixed_float16"), optimizers.LossScaleOptimizer(optimizers.SGD())
    built.compile(scaled, "mse")
    assert built.optimizer is scaled


def test_float16_learns_what_it_could_not_without_scaling() -> None:
    """Gradients below float16's smallest number come through."""

    def weight_after(**options: Any) -> float:
        layer = tv.layers.Dense(
            1, use_bias=False, kernel_initializer="zeros", dtype="mixed_float16"
        )
        built = tv.Sequential([tv.Input((1,)), layer])
        built.dtype_policy = "mixed_float16"
        built.compile(optimizers.SGD(1.0), "mse", **options)
        built.fit(np.ones((8, 1)), np.full((8, 1), 1e-8), epochs=1, verbose=0)
        return float(layer.kernel.numpy()[0, 0])

    assert weight_after(auto_scale_loss=False) == 0.0
    assert weight_after() == pytest.approx(2e-8, rel=1e-2)
