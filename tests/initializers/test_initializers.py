"""Initializers against the real Keras, their formulas and their contracts."""

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import recorded

from trivium import initializers
from trivium.state import (
    SeedGenerator,
    Variable,
    custom_object_scope,
    register_keras_serializable,
    set_floatx,
    set_random_seed,
)

CLASSES = [
    "Zeros", "Ones", "Constant", "Identity", "RandomNormal", "RandomUniform", "TruncatedNormal",
    "VarianceScaling", "GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform",
    "LecunNormal", "Orthogonal",
]  # fmt: skip
SCALINGS = [name for name in CLASSES if name.startswith(("Glorot", "He", "Lecun"))]
DRAWING = [*SCALINGS, "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"]
ARGUMENTS = {
    "Constant": [{"value": 2.5}, {"value": [1.0, 2.0]}, {"value": True}],
    "RandomNormal": [{"mean": 1.0, "stddev": 0.2, "seed": 3}],
    "TruncatedNormal": [{"mean": 1.0, "stddev": 0.2, "seed": 3}],
    "RandomUniform": [{"minval": 1.0, "maxval": 2.0, "seed": 3}],
    "VarianceScaling": [
        {"scale": 2.0, "mode": "fan_out", "distribution": "uniform", "seed": 3},
        {"distribution": "normal"},
        {"distribution": "UNIFORM"},
        {"input_axes": [0], "output_axes": [1, 2]},
    ],
    "Orthogonal": [{"gain": 2.0, "seed": 3}],
    **{name: [{"seed": 3, "input_axes": [0], "output_axes": [1]}] for name in SCALINGS},
}
CASES = [(name, kwargs) for name in CLASSES for kwargs in [{}, *ARGUMENTS.get(name, [])]]


@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_serialized_form_is_that_of_keras_and_comes_back(name, kwargs):
    ours = getattr(initializers, name)(**kwargs)

    def written(keras):
        theirs = keras.initializers.serialize(getattr(keras.initializers, name)(**kwargs))
        return theirs, keras.initializers.serialize(keras.initializers.deserialize(theirs))

    config = initializers.serialize(ours)
    theirs, read_and_written = recorded(written)
    assert config == theirs == read_and_written
    again = initializers.deserialize(config)
    assert type(again) is type(ours)
    assert initializers.serialize(again) == config
    assert initializers.serialize(ours.clone()) == config


@pytest.mark.parametrize("name", CLASSES)
def test_signature_is_that_of_keras(name):
    def arguments(cls):
        return [(p.name, p.default) for p in inspect.signature(cls).parameters.values()]

    if name not in ("Zeros", "Ones"):  # Keras shows `*args, **kwargs` where it has no `__init__`.
        theirs = recorded(lambda keras: arguments(getattr(keras.initializers, name)))
        assert arguments(getattr(initializers, name)) == theirs


def test_every_name_of_keras_is_known_but_stft():
    def named(keras):
        from keras.src.initializers import ALL_OBJECTS_DICT

        classes = {name: ALL_OBJECTS_DICT[name].__name__ for name in sorted(ALL_OBJECTS_DICT)}
        public = [name for name in dir(keras.initializers) if not name.startswith("_")]
        return classes, {name: getattr(keras.initializers, name).__name__ for name in public}

    left_out = {"Initializer", "initializer", "STFT", "STFTInitializer", "stft"}
    classes, public = recorded(named)
    for name in set(classes) - left_out:
        assert type(initializers.get(name)).__name__ == classes[name]
    for name in set(public) - left_out:
        assert getattr(initializers, name).__name__ == public[name]
        assert name in initializers.__all__


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("Zeros", {}), ("Ones", {}), ("Constant", {"value": 3}), ("Identity", {}),
        ("Identity", {"gain": 2.5}), ("Constant", {"value": [1.0, 2.0, 3.0]}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32", "bool", None])
def test_fixed_values_are_those_of_keras(name, kwargs, dtype):
    ours = getattr(initializers, name)(**kwargs)((4, 3), dtype)
    theirs = recorded(
        lambda keras: np.asarray(getattr(keras.initializers, name)(**kwargs)((4, 3), dtype))
    )
    if name == "Identity" and dtype in ("int32", "bool"):
        # Keras gives floats here, whatever dtype was asked for.
        assert ours.dtype == dtype
        np.testing.assert_array_equal(ours, np.asarray(theirs).astype(dtype))
        return
    assert str(ours.dtype) == str(theirs.dtype)
    np.testing.assert_array_equal(ours.astype("float32"), np.asarray(theirs).astype("float32"))


def formula(name, shape):
    """The mean, standard deviation and largest deviation from the mean that the class promises."""
    # The standard deviation of a standard normal distribution cut at two.
    cut = 0.87962566103423978
    fixed = {
        "RandomNormal": (0.0, 0.05, math.inf),
        "TruncatedNormal": (0.0, 0.05 * cut, 0.1),
        "RandomUniform": (0.0, 0.05 / math.sqrt(3), 0.05),
    }
    if name in fixed:
        return fixed[name]
    fan_in, fan_out = initializers.compute_fans(shape)
    kind = name.removesuffix("Uniform").removesuffix("Normal")
    variance = {"Glorot": 2 / (fan_in + fan_out), "He": 2 / fan_in}.get(kind, 1 / fan_in)
    std = math.sqrt(variance)
    return 0.0, std, std * (math.sqrt(3) if name.endswith("Uniform") else 2 / cut)


@pytest.mark.parametrize("shape", [(300, 200), (3, 3, 50, 100)])
@pytest.mark.parametrize("name", DRAWING)
def test_draws_have_the_distribution_of_the_formula_and_of_keras(name, shape):
    mean, std, limit = formula(name, shape)
    ours = getattr(initializers, name)(seed=11)(shape)
    theirs = recorded(
        lambda keras: distribution(np.asarray(getattr(keras.initializers, name)(seed=11)(shape)))
    )
    n = ours.size
    assert ours.shape == shape and ours.dtype == np.float32
    for values in (distribution(ours), theirs):
        # Five standard errors: wide enough for any seed, narrow enough for another formula.
        assert abs(values["mean"] - mean) < 5 * std / math.sqrt(n)
        assert abs(values["std"] / std - 1) < 5 / math.sqrt(n)
        assert values["largest"] <= limit * (1 + 1e-6)
        assert math.isinf(limit) or values["largest"] > 0.98 * limit
    # Kolmogorov and Smirnov's distance of the two samples, at odds of about one in 10**6. Between two of the numbers
    # that are recorded, both shares grow by no more than `STEP / n` of theirs, which is counted as if it were distance.
    places = np.searchsorted(np.sort(ours.ravel()), theirs["sorted"], side="right") / n
    shares = np.arange(1, len(theirs["sorted"]) + 1) * STEP / n
    assert np.abs(places - shares).max() + STEP / n < 2.7 * math.sqrt(2 / n)


STEP = 100


def distribution(values):
    """Return what is compared of a sample: its moments, and each hundredth number in order."""
    wide = values.astype("float64")
    moments = {"mean": wide.mean(), "std": wide.std(), "largest": np.abs(wide).max()}
    said = {name: float(value) for name, value in moments.items()}
    return {**said, "sorted": np.sort(values.ravel())[STEP - 1 :: STEP]}


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 40), ("fan_out", 90), ("fan_avg", 65)])
@pytest.mark.parametrize("distribution", ["uniform", "truncated_normal", "untruncated_normal"])
def test_variance_scaling_scales_by_the_fan_that_was_named(mode, fan, distribution):
    make = initializers.VarianceScaling(3.0, mode, distribution, seed=5)
    values = make((40, 90))
    assert abs(values.var() / (3.0 / fan) - 1) < 10 / math.sqrt(values.size)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((), {}), ((7,), {}), ((4, 5), {}), ((3, 4, 5), {}), ((2, 3, 4, 5), {}),
        ((2, 2, 3, 4, 5), {}), ((0, 4), {}),
        ((4, 8, 2), {"input_axes": [0], "output_axes": [1, 2]}),
        ((4, 8, 2), {"input_axes": [0, 1], "output_axes": [-1]}), ((4, 8, 2), {"input_axes": [0]}),
        ((4, 8, 2), {"output_axes": [0]}), ((4, 8, 2), {"input_axes": [], "output_axes": []}),
    ],
)  # fmt: skip
def test_fans_are_those_of_keras(shape, axes):
    def fans(keras):
        from keras.src.initializers.random_initializers import compute_fans

        return compute_fans(shape, **axes)

    assert initializers.compute_fans(shape, **axes) == recorded(fans)


def test_axes_decide_the_scale():
    shape = (20, 4, 50)
    values = initializers.LecunUniform(1, input_axes=[0], output_axes=[1, 2])(shape)
    assert abs(np.abs(values).max() - math.sqrt(3 / 20)) < 1e-3
    assert abs(np.abs(initializers.LecunUniform(1)(shape)).max() - math.sqrt(3 / 80)) < 1e-3


@pytest.mark.parametrize("name", [*DRAWING, "Orthogonal"])
def test_what_a_seed_means(name):
    cls = getattr(initializers, name)
    same = cls(seed=7)
    np.testing.assert_array_equal(same((5, 4)), same((5, 4)))
    np.testing.assert_array_equal(same((5, 4)), cls(seed=7)((5, 4)))
    assert not np.array_equal(same((5, 4)), cls(seed=8)((5, 4)))

    set_random_seed(1)
    unseeded = cls()
    first, second = unseeded((5, 4)), unseeded((5, 4))
    assert not np.array_equal(first, second)
    set_random_seed(1)
    np.testing.assert_array_equal(cls()((5, 4)), first)

    carried = cls(seed=SeedGenerator(3))
    first, second = carried((5, 4)), carried((5, 4))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(cls(seed=SeedGenerator(3))((5, 4)), first)


def test_a_seed_generator_survives_the_config():
    ours = initializers.HeNormal(seed=SeedGenerator(3))
    again = initializers.deserialize(initializers.serialize(ours))
    np.testing.assert_array_equal(again((4, 4)), ours((4, 4)))

    def written(keras):
        seed = keras.random.SeedGenerator(3, name="mine")
        return keras.initializers.serialize(keras.initializers.HeNormal(seed=seed))

    read = initializers.deserialize(recorded(written))
    assert read.seed.seed == 3 and read.seed.name == "mine"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_float_dtypes(dtype):
    for name in [*DRAWING, "Orthogonal"]:
        values = getattr(initializers, name)(seed=2)((30, 20), dtype)
        assert isinstance(values, np.ndarray) and values.dtype == jnp.dtype(dtype), name
        single = getattr(initializers, name)(seed=2)((30, 20), "float32")
        if dtype != "float64":
            np.testing.assert_array_equal(values, single.astype(jnp.dtype(dtype)))
        else:
            assert len(np.unique(values.astype("float32"))) > 500
            assert not np.array_equal(values, values.astype("float32"))


def test_no_dtype_means_the_default_float():
    try:
        set_floatx("bfloat16")
        assert initializers.GlorotUniform()((2, 2)).dtype == jnp.bfloat16
        assert initializers.Zeros()((2,)).dtype == jnp.bfloat16
    finally:
        set_floatx("float32")


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 2, 4), (2, 3, 8), (3, 1)])
def test_orthogonal_rows_or_columns(shape):
    q = initializers.Orthogonal(gain=1.5, seed=1)(shape)
    assert q.shape == shape
    matrix = q.reshape(-1, shape[-1])
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(gram, 1.5**2 * np.eye(len(gram)), atol=1e-5)


def test_orthogonal_matrices_are_drawn_evenly():
    # Any element of an evenly drawn orthogonal n x n matrix has mean 0 and variance 1 / n. Without
    # the signs of R's diagonal the first one's mean would be far below 0.
    first = np.array([initializers.Orthogonal(seed=s)((4, 4))[0, 0] for s in range(400)])
    assert abs(first.mean()) < 5 * 0.5 / math.sqrt(400)
    assert abs(first.var() - 0.25) < 0.08


def test_shapes_of_any_kind_of_whole_number():
    for shape in ((2, 3), [2, 3], (np.int64(2), np.int32(3)), np.array([2, 3])):
        assert initializers.RandomNormal()(shape).shape == (2, 3)
        assert initializers.Zeros()(shape).shape == (2, 3)
    assert initializers.RandomUniform()(5).shape == (5,)
    assert initializers.RandomUniform()(()).shape == ()
    assert initializers.GlorotUniform()((0, 3)).shape == (0, 3)
    assert initializers.TruncatedNormal()((0,)).shape == (0,)


def test_a_users_function_class_and_array():
    def halves(shape, dtype=None):
        return np.full(shape, 0.5, dtype)

    class Thirds(initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return jnp.full(shape, 1 / 3, dtype)

    assert initializers.get(halves) is halves
    assert isinstance(initializers.get(Thirds), Thirds)
    made = Thirds()
    assert initializers.get(made) is made
    assert Variable(initializers.get(halves), shape=(2,)).numpy().tolist() == [0.5, 0.5]
    assert Variable(made, shape=(2,)).numpy()[1] == np.float32(1 / 3)
    with custom_object_scope({"Thirds": Thirds}):
        assert isinstance(initializers.get("Thirds"), Thirds)
        assert isinstance(initializers.deserialize(initializers.serialize(made)), Thirds)
    with pytest.raises(ValueError, match="Thirds"):
        initializers.deserialize(initializers.serialize(made))
    with pytest.raises(NotImplementedError, match="__call__"):
        initializers.Initializer()((2,))


def test_a_registered_class_comes_back_under_its_package():
    @register_keras_serializable("tests")
    class Quarter(initializers.Initializer):
        def __init__(self, times=1):
            self.times = times

        def __call__(self, shape, dtype=None):
            return np.full(shape, self.times / 4, dtype)

        def get_config(self):
            return {"times": self.times}

    config = initializers.serialize(Quarter(3))
    assert config["registered_name"] == "tests>Quarter"
    assert initializers.deserialize(config)((1,), "float32").tolist() == [0.75]


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray, Variable])
def test_an_array_in_place_of_an_initializer(kind):
    array = kind(np.arange(6, dtype="float32").reshape(2, 3))
    given = initializers.get(array)
    np.testing.assert_array_equal(given((2, 3), "bfloat16"), np.asarray(array).astype(jnp.bfloat16))
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(5, 3\)"):
        given((5, 3))
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3,\)"):
        given((3,))
    again = initializers.deserialize(initializers.serialize(given))
    np.testing.assert_array_equal(again((2, 3)), np.asarray(array))


@pytest.mark.parametrize("array", [np.ones((2, 2)), jnp.ones(2), np.float32(0.5), np.int32(3)])
def test_constants_of_arrays_are_written_as_keras_writes_them(array):
    config = initializers.serialize(initializers.Constant(array))
    assert config == recorded(
        lambda keras: keras.initializers.serialize(keras.initializers.Constant(array))
    )
    again = initializers.deserialize(config)
    np.testing.assert_array_equal(again((2, 2)), initializers.Constant(array)((2, 2)))
    assert initializers.serialize(again)["config"]["value"] is not None


def test_identity_keeps_its_gain():
    ours = initializers.Identity(3.0)
    again = initializers.deserialize(initializers.serialize(ours))
    np.testing.assert_array_equal(again((2, 2)), 3 * np.eye(2))
    read = recorded(lambda keras: keras.initializers.deserialize(IDENTITY).gain)
    assert initializers.serialize(ours) == IDENTITY and read == 3.0


IDENTITY = {
    "module": "keras.initializers",
    "class_name": "Identity",
    "config": {"gain": 3.0},
    "registered_name": None,
}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.VarianceScaling(scale=0), "above 0; got 0"),
        (lambda: initializers.VarianceScaling(mode="fan_inn"), "'fan_in'"),
        (lambda: initializers.VarianceScaling(distribution="unifrom"), "'uniform'"),
        (lambda: initializers.RandomNormal(seed="a"), "RandomNormal: `seed`.*'a'"),
        (lambda: initializers.RandomNormal(seed=-1), "at least 0.*-1"),
        (lambda: initializers.RandomNormal(seed=1.5), "1.5"),
        (lambda: initializers.Orthogonal()((3,)), r"two sizes; got \(3,\)"),
        (lambda: initializers.Orthogonal()((3, 3), "int32"), "floats.*int32"),
        (lambda: initializers.Identity()((3,)), r"two sizes; got \(3,\)"),
        (lambda: initializers.RandomUniform()((3,), "int32"), "RandomUniform.*floats.*int32"),
        (lambda: initializers.GlorotUniform()((None, 3)), r"whole numbers; got \(None, 3\)"),
        (lambda: initializers.Zeros()((2.5,)), "whole numbers"),
        (
            lambda: initializers.get("glorot_unifrom"),
            "initializer 'glorot_unifrom'.*'glorot_uniform'",
        ),
        (lambda: initializers.get("He-Normal"), "initializer 'He-Normal'"),
        (lambda: initializers.deserialize({"class_name": "os.system"}), "Unknown initializer"),
        (lambda: initializers.Constant.from_config({"value": {"class_name": "x"}}), "Constant"),
    ],
)
def test_errors_teach(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_none_stays_none_and_numbers_are_no_initializers():
    assert initializers.get(None) is None
    with pytest.raises(TypeError, match="initializer"):
        initializers.get(5)


def test_a_variable_draws_while_something_is_traced():
    set_random_seed(3)
    outside = Variable(initializers.HeNormal(), shape=(3, 3)).numpy()
    set_random_seed(3)
    inside = Variable(initializers.HeNormal(), shape=(3, 3))
    jax.jit(lambda x: x + inside.value)(jnp.ones((3, 3)))
    np.testing.assert_array_equal(inside.numpy(), outside)


def test_drawing_compiles_nothing(caplog):
    with jax.log_compiles():
        for name in [*CLASSES, "Orthogonal"]:
            getattr(initializers, name)()((17, 19))
        assert not caplog.records
        jax.jit(lambda x: x * 17 + 19)(np.ones(23))
        assert caplog.records
