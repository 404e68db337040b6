"""The stateful face: names, arguments, configs, errors, what is compiled and what is kept."""

from __future__ import annotations

import copy
import inspect
import json
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

from trivium import optimizers
from trivium.optimizers import schedules
from trivium.state import Variable, custom_object_scope, register_keras_serializable

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NAMES = [
    "SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Lion", "Ftrl",
    "Adafactor", "Lamb", "Muon", "ScheduleFreeAdamW",
]  # fmt: skip


def variables() -> list[Variable]:
    return [Variable(np.ones((2, 3), "float32"), name="kernel"), Variable([1.0], name="bias")]


def ones() -> list[jax.Array]:
    return [jnp.ones((2, 3)), jnp.ones(1)]


# Names, arguments and configs.


@pytest.mark.parametrize("name", NAMES)
def test_arguments_and_defaults_are_keras(name: str) -> None:
    def defaults(module: Any) -> Any:
        parameters = inspect.signature(getattr(module, name)).parameters
        return [(k, p.default) for k, p in parameters.items() if k != "kwargs"]

    assert defaults(optimizers) == recorded(lambda keras: defaults(keras.optimizers))
    assert "kwargs" not in inspect.signature(getattr(optimizers, name)).parameters


@pytest.mark.parametrize("name", NAMES)
def test_configs_are_keras_both_ways(name: str) -> None:
    kwargs = {"name": "it", "clipnorm": 2.0, "use_ema": True, "ema_momentum": 0.5}
    mine = getattr(optimizers, name)(0.1, **kwargs)
    config = recorded(
        lambda keras: keras.optimizers.serialize(getattr(keras.optimizers, name)(0.1, **kwargs))
    )
    assert optimizers.serialize(mine) == config
    again = optimizers.deserialize(json.loads(json.dumps(config)))
    assert type(again) is type(mine) and again.get_config() == config["config"]
    if name != "Lamb":  # Keras does not find it by its own config.
        written = optimizers.serialize(again)
        back = recorded(lambda keras: keras.optimizers.deserialize(written).get_config())
        assert back == config["config"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_found_in_any_case(name: str) -> None:
    cls = getattr(optimizers, name)
    for identifier in (name, name.lower(), name.upper(), cls):
        assert type(optimizers.get(identifier)) is cls

    def of_keras(keras: Any) -> Any:
        keras.backend.clear_session()
        return getattr(keras.optimizers, name)().name

    assert recorded(of_keras) == optimizers.get(name).name.rstrip("_0123456789")


def test_get_takes_everything_that_means_an_optimizer() -> None:
    sgd = optimizers.SGD(momentum=0.5)
    assert optimizers.get(sgd) is sgd
    assert optimizers.get(None) is None
    assert optimizers.get(optimizers.serialize(sgd)).momentum == 0.5
    assert optimizers.get({"class_name": "adam", "config": {"beta_1": 0.5}}).beta_1 == 0.5


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"Unknown optimizer 'adma'. Did you mean .*'adam'"):
        optimizers.get("adma")
    with pytest.raises(TypeError, match="Cannot read 5 as a"):
        optimizers.get(5)
    with pytest.raises(TypeError, match="as an optimizer"):
        optimizers.get(len)
    with pytest.raises(
        ValueError, match=r"SGD has no argument 'momentun'. Did you mean 'momentum'"
    ):
        optimizers.SGD(momentun=0.9)


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("SGD", {"learning_rate": 1}),
        ("SGD", {"learning_rate": np.float32(0.1)}),
        ("SGD", {"learning_rate": "fast"}),
        ("SGD", {"momentum": 0}),
        ("SGD", {"momentum": 1.5}),
        ("SGD", {"clipnorm": 1.0, "clipvalue": 1.0}),
        ("Adam", {"clipnorm": 1.0, "global_clipnorm": 1.0}),
        ("Adam", {"gradient_accumulation_steps": 1}),
        ("Adam", {"use_ema": True, "ema_momentum": 1.5}),
        ("Adam", {"use_ema": True, "ema_overwrite_frequency": 2.0}),
        ("Adam", {"use_ema": True, "ema_overwrite_frequency": -1}),
        ("Adam", {"lr": 0.1}),
        ("AdamW", {"weight_decay": None}),
        ("Lion", {"beta_1": 0.0}),
        ("Ftrl", {"learning_rate_power": 0.5}),
        ("Ftrl", {"initial_accumulator_value": -1.0}),
        ("Ftrl", {"l1_regularization_strength": -1.0}),
        ("Ftrl", {"l2_regularization_strength": -1.0}),
        ("Ftrl", {"l2_shrinkage_regularization_strength": -1.0}),
    ],
)
def test_what_keras_refuses_is_refused(name: str, kwargs: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        getattr(optimizers, name)(**kwargs)

    def refused(keras: Any) -> bool:
        with pytest.raises(ValueError):
            getattr(keras.optimizers, name)(**kwargs)
        return True

    assert recorded(refused)


def test_decay_is_ignored_with_a_warning() -> None:
    def warns(library: Any) -> bool:
        with pytest.warns(UserWarning, match="ignored"):
            library.optimizers.SGD(decay=1e-6)
        return True

    assert both(warns) == (True, True)


def test_variables_have_keras_names_and_order() -> None:
    kwargs = {"amsgrad": True, "use_ema": True, "gradient_accumulation_steps": 2, "name": "a"}
    mine = optimizers.Adam(**kwargs)
    mine.build(variables())

    def paths(keras: Any) -> Any:
        oracle = keras.optimizers.Adam(**kwargs)
        oracle.build([keras.Variable(np.ones(v.shape), name=v.name) for v in variables()])
        return [v.path for v in oracle.variables]

    theirs = recorded(paths)
    assert [v.path for v in mine.variables] == theirs
    mine.build([Variable([1.0])])
    assert len(mine.variables) == len(theirs), "a second build changes nothing"


def test_a_registered_subclass_survives_the_config() -> None:
    @register_keras_serializable("tests")
    class Patient(optimizers.SGD):
        def __init__(self, patience: int = 3, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.patience = patience

    config = optimizers.serialize(Patient(5, momentum=0.5, name="p"))
    assert config["registered_name"] == "tests>Patient"
    again = optimizers.get(config)
    assert (type(again), again.patience, again.momentum) == (Patient, 5, 0.5)
    with custom_object_scope({"Patient": Patient}):
        assert type(optimizers.get("Patient")) is Patient


# The learning rate, and other settings changed between steps.


def test_a_new_learning_rate_needs_no_new_program() -> None:
    sgd, w = optimizers.SGD(0.5), variables()
    sgd.build(w)
    traces = []

    @jax.jit
    def step(state: Any, parameters: Any) -> Any:
        traces.append(1)
        return sgd.stateless_apply(state, ones(), parameters)

    parameters = [v.value for v in w]
    for rate in (0.5, 0.25):
        sgd.learning_rate = rate
        state = [sgd.iterations.value, sgd.learning_rate.value]
        parameters, state = step(state, parameters)
    assert len(traces) == 1
    assert parameters[1].tolist() == [0.25]
    assert isinstance(sgd.learning_rate, Variable)
    sgd.learning_rate.assign(0.125)
    assert sgd.get_config()["learning_rate"] == 0.125


def test_a_changed_setting_is_used_from_the_next_step_on() -> None:
    sgd, w = optimizers.SGD(1.0), [Variable([0.0])]
    sgd.apply([np.full(1, 4.0)], w)
    sgd.clipvalue = 1.0
    sgd.apply([np.full(1, 4.0)], w)
    assert w[0].numpy().tolist() == [-5.0]


def test_a_copy_is_independent() -> None:
    sgd, w = optimizers.SGD(1.0, momentum=0.5), [Variable([0.0])]
    sgd.apply([np.ones(1)], w)
    twin, v = copy.deepcopy((sgd, w))
    twin.momentum = 0.25
    twin.apply([np.ones(1)], v)
    assert (w[0].numpy().tolist(), v[0].numpy().tolist()) == ([-1.0], [-2.25])
    assert (int(sgd.iterations), int(twin.iterations)) == (1, 2)
    sgd.apply([np.ones(1)], w)
    assert w[0].numpy().tolist() == [-2.5]


def test_loss_scaling() -> None:
    plain, scaled = optimizers.SGD(0.5), optimizers.SGD(0.5, loss_scale_factor=1024.0)
    assert plain.scale_loss(3.0) == 3.0 and scaled.scale_loss(3.0) == 3072.0
    w, v = [Variable([1.0])], [Variable([1.0])]
    plain.apply(jax.grad(lambda p: plain.scale_loss(p[0].sum() ** 2))([w[0].value]), w)
    scaled.apply(jax.grad(lambda p: scaled.scale_loss(p[0].sum() ** 2))([v[0].value]), v)
    assert w[0].numpy().tolist() == v[0].numpy().tolist() == [0.0]


# What is compiled.


def program(optimizer: Any, names: tuple[str, str]) -> str:
    w = [Variable(v.value, name=n) for v, n in zip(variables(), names, strict=True)]
    optimizer.build(w)
    arguments = [v.value for v in optimizer.variables], ones(), [v.value for v in w]
    return jax.jit(optimizer.stateless_apply).lower(*arguments).as_text()


@pytest.mark.parametrize("name", NAMES)
def test_names_are_no_part_of_the_program(name: str) -> None:
    cls = getattr(optimizers, name)
    one = program(cls(use_ema=True, clipnorm=1.0, name="a"), ("kernel", "bias"))
    other = program(cls(use_ema=True, clipnorm=1.0, name="b"), ("w", "another"))
    assert one == other


def test_plain_descent_compiles_to_nothing_but_itself() -> None:
    sgd, w = optimizers.SGD(), variables()
    sgd.build(w)
    arguments = [v.value for v in sgd.variables], ones(), [v.value for v in w]
    equations = jax.make_jaxpr(sgd.stateless_apply)(*arguments).eqns
    arrays = [e.primitive.name for e in equations if e.outvars[0].aval.shape]
    scalars = [e.primitive.name for e in equations if not e.outvars[0].aval.shape]
    assert sorted(arrays) == ["add", "add", "mul", "mul"]
    assert sorted(scalars) == ["add", "neg", "neg"]


@pytest.mark.parametrize("name", NAMES)
def test_everything_can_be_donated(name: str) -> None:
    optimizer, w = getattr(optimizers, name)(use_ema=True), variables()
    optimizer.build(w)
    step = jax.jit(optimizer.stateless_apply, donate_argnums=(0, 2))
    for _ in range(2):
        parameters, state = step(
            [v.value for v in optimizer.variables], ones(), [v.value for v in w]
        )
        for variable, value in zip([*w, *optimizer.variables], [*parameters, *state], strict=True):
            variable.assign(value)
        # Two variables that shared one array could not both be donated in the next round.
        optimizer.finalize_variable_values(w)
    assert int(optimizer.iterations) == 2


def test_importing_does_not_import_optax() -> None:
    code = "import sys, trivium.optimizers as o; o.Adam(); assert 'optax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# Wrong use.


def test_wrong_gradients_change_nothing() -> None:
    sgd, w = optimizers.SGD(0.5, momentum=0.5), variables()
    with pytest.raises(ValueError, match=r"call `build\(trainable_variables\)` first"):
        sgd.apply(ones())
    with pytest.raises(ValueError, match=r"gradient of 'bias' has shape \(2, 3\), the .*\(1,\)"):
        sgd.apply([ones()[0], ones()[0]], w)
    assert not sgd.built and len(sgd.variables) == 2
    sgd.build(w)
    for call, message in (
        (lambda: sgd.apply(ones()[:1]), r"`grads` must have one entry for each of the 2 variables"),
        (lambda: sgd.apply([None, None]), "All gradients are None"),
        (lambda: sgd.apply([ones()[1]] * 2, w), r"gradient of 'kernel' has shape \(1,\)"),
        (lambda: sgd.apply([ones()[1]], [Variable([1.0], name="new")]), "with the variable 'new'"),
        (lambda: sgd.apply_gradients([]), "got no pairs"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert int(sgd.iterations) == 0
    assert all((np.asarray(v) == 1).all() for v in w)
    sgd.apply([])
    assert int(sgd.iterations) == 0


def test_wrong_stateless_calls() -> None:
    sgd, w = optimizers.SGD(), variables()
    with pytest.raises(ValueError, match="has no variables yet"):
        sgd.stateless_apply([], [], [])
    sgd.build(w)
    state, parameters = [v.value for v in sgd.variables], [v.value for v in w]
    with pytest.raises(ValueError, match="`optimizer_variables` must have one entry for each of"):
        sgd.stateless_apply(state[:1], ones(), parameters)
    with pytest.raises(ValueError, match="`trainable_variables` must have one entry for each of"):
        sgd.stateless_apply(state, ones(), parameters[:1])
    with pytest.raises(ValueError, match="`grads` must have one entry for each of"):
        sgd.stateless_apply(state, ones()[:1], parameters)
    ema = optimizers.SGD(use_ema=True)
    ema.build(w)
    with pytest.raises(ValueError, match="`var_list` must have one entry for each of"):
        ema.finalize_variable_values(w[:1])


def test_applying_inside_jit_is_refused_and_leaves_no_tracer() -> None:
    sgd, w = optimizers.SGD(), variables()
    sgd.build(w)
    with pytest.raises(RuntimeError, match="traced value"):
        jax.jit(lambda g: sgd.apply(g))(ones())
    assert all(isinstance(np.asarray(v), np.ndarray) for v in [*w, *sgd.variables])


def test_apply_gradients_takes_a_zip_and_returns_the_counter() -> None:
    sgd, w = optimizers.SGD(0.5), variables()
    counter = sgd.apply_gradients(zip(ones(), w, strict=True))
    assert int(counter) == 1 and w[1].numpy().tolist() == [0.5]


# Optimizers of one's own.


def momentum_class(base: Any, sign: Any) -> Any:
    """An optimizer written as Keras's documentation tells to."""

    class Momentum(base):  # type: ignore[misc]
        def __init__(
            self, learning_rate: float = 0.1, momentum: float = 0.9, **kwargs: Any
        ) -> None:
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.momentum = momentum

        def build(self, trainable: Any) -> None:
            super().build(trainable)
            self.momentums = [
                self.add_variable_from_reference(reference_variable=v, name="momentum")
                for v in trainable
            ]
            self.pairs = self.add_optimizer_variables(trainable, ["a", "b"], ["ones", "zeros"])
            self.total = self.add_variable((), name="total")

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            index = self._get_variable_index(variable)
            m, a, b = self.momentums[index], self.pairs[0][index], self.pairs[1][index]
            self.assign(m, m * self.momentum - gradient * learning_rate)
            self.assign_add(variable, m)
            self.assign_sub(a, 0.5 * a)
            self.assign_add(b, a + sign(gradient))
            self.assign_add(self.total, 1.0 * self.iterations)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "momentum": self.momentum}

    return Momentum


@pytest.mark.parametrize("options", [{}, {"gradient_accumulation_steps": 2, "weight_decay": 0.1}])
def test_an_optimizer_written_for_keras(options: dict[str, Any]) -> None:
    mine = momentum_class(optimizers.Optimizer, jnp.sign)(name="m", use_ema=True, **options)
    w = variables()
    each = [[jnp.full(x.shape, 0.1 * i) for x in w] for i in range(5)]

    def of_keras(keras: Any) -> Any:
        oracle_class = momentum_class(keras.optimizers.Optimizer, keras.ops.sign)
        oracle = oracle_class(name="m", use_ema=True, **options)
        v = [keras.Variable(x.numpy(), name=x.name) for x in variables()]
        oracle.build(v)
        values, state = [x.value for x in v], [x.value for x in oracle.variables]
        step = jax.jit(oracle.stateless_apply)
        for g in each:
            values, state = step(state, g, values)
        return [x.path for x in oracle.variables], [*values, *state], oracle.get_config()

    for g in each:
        mine.apply(g, w)
    paths, theirs, config = recorded(of_keras)
    assert [x.path for x in mine.variables] == paths
    for a, b in zip([*w, *mine.variables], theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert mine.get_config() == config
    with pytest.raises(ValueError, match=r"Unknown initializer 'zeroes'. Did you mean 'zeros'"):
        mine.add_variable((), "zeroes")


def test_an_optimizer_as_a_transformation() -> None:
    import optax

    class Half(optimizers.Optimizer):
        def transformation(self) -> Any:
            def update(updates: Any, state: Any, params: Any, **extra: Any) -> Any:
                assert set(extra) == {"learning_rate", "step"}
                return [-extra["learning_rate"] * g * (extra["step"] + 1) for g in updates], state

            return optax.GradientTransformationExtraArgs(optax.init_empty_state, update)

    w = [Variable([0.0])]
    half = Half(0.5)
    for _ in range(2):
        half.apply([np.ones(1)], w)
    assert w[0].numpy().tolist() == [-1.5]


def test_a_base_without_a_formula_says_so() -> None:
    with pytest.raises(NotImplementedError, match="must define `rule`, `transformation` or"):
        optimizers.Optimizer(learning_rate=schedules.ExponentialDecay(0.1, 1, 0.5)).apply(
            ones(), variables()
        )
