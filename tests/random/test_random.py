"""Random functions: Keras's numbers, their distributions, compiled and recorded."""

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import recorded

from trivium import random
from trivium.graph import Graph, SymbolicTensor
from trivium.state import SeedGenerator, StatelessScope, Variable, set_random_seed, shape_scope

LOGITS = np.log([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]).astype("float32")
CALLS = {
    "normal": [((3, 4),), ((3, 4), 2.0, 0.5), ([5],)],
    "truncated_normal": [((3, 4),), ((3, 4), 2.0, 0.5)],
    "uniform": [((3, 4),), ((3, 4), -2.0, 0.5)],
    "randint": [((3, 4), 0, 10), ((3, 4), -5, 5, "int8")],
    "categorical": [(LOGITS, 5), (LOGITS, 2, "uint8")],
    "dropout": [
        (np.ones((6, 5), "float32"), 0.3), (np.ones((6, 5), "float32"), 0.0),
        (np.ones((6, 5), "float32"), 1.0), (np.ones((2, 3, 4), "float32"), 0.5, (None, 1, None)),
        (np.ones((2, 3), "float32"), 0.5, (2, 1)),
    ],
    "shuffle": [(np.arange(12).reshape(3, 4),), (np.arange(12).reshape(3, 4), 1)],
    "gamma": [((3, 4), 2.0), ((3, 2), np.array([0.5, 3.0], "float32"))],
    "beta": [((3, 4), 2.0, 3.0), ((3, 2), [0.5, 3.0], [1.0, 2.0])],
    "binomial": [((3, 4), 10.0, 0.3), ((3, 2), [10.0, 20.0], [0.1, 0.9])],
}  # fmt: skip
ROUNDED = ("normal", "truncated_normal", "gamma", "beta")
CASES = [(name, args) for name, calls in CALLS.items() for args in calls]


@pytest.mark.parametrize("name", CALLS)
def test_signature_is_that_of_keras(name):
    def arguments(function):
        return [(p.name, p.default) for p in inspect.signature(function).parameters.values()]

    theirs = recorded(lambda keras: arguments(getattr(keras.random, name)))
    assert arguments(getattr(random, name)) == theirs


def test_every_name_of_keras_is_there():
    theirs = recorded(lambda keras: {n for n in dir(keras.random) if not n.startswith("_")})
    assert theirs <= set(random.__all__)
    assert random.SeedGenerator is SeedGenerator and random.set_seed is set_random_seed


@pytest.mark.parametrize("seed", [0, 42, 2**32 - 1])
@pytest.mark.parametrize(("name", "args"), CASES)
def test_a_whole_number_gives_the_numbers_of_keras(name, args, seed):
    ours = getattr(random, name)(*args, seed=seed)
    keras_args = [jnp.asarray(a) if isinstance(a, np.ndarray) else a for a in args]
    theirs = recorded(lambda keras: getattr(keras.random, name)(*keras_args, seed=seed))
    assert ours.dtype == theirs.dtype
    # Another processor may round a logarithm otherwise; bits that are drawn, it may not.
    rounded = 1e-6 if name in ROUNDED else 0
    np.testing.assert_allclose(ours, theirs, rtol=rounded, atol=rounded)
    np.testing.assert_array_equal(ours, getattr(random, name)(*args, seed=seed))


@pytest.mark.parametrize(("name", "args"), CASES)
def test_a_seed_generator_moves_on_in_eager_and_compiled_code_alike(name, args):
    function = getattr(random, name)
    generator, twin = SeedGenerator(5), SeedGenerator(5)

    @jax.jit
    def compiled(state):
        with StatelessScope([(twin.state, state)]) as scope:
            drawn = function(*args, seed=twin)
        return drawn, scope.get_current_value(twin.state)

    state = twin.state.value
    eager = []
    for _ in range(2):
        eager.append(np.asarray(function(*args, seed=generator)))
        drawn, state = compiled(state)
        np.testing.assert_allclose(drawn, eager[-1], rtol=2e-5, atol=1e-6)
    np.testing.assert_array_equal(generator.state.value, state)
    untouched = name == "dropout" and args[1] in (0.0, 1.0)
    assert np.array_equal(*eager) == untouched


@pytest.mark.parametrize(
    ("draw", "mean", "std"),
    [
        (lambda n: random.normal((n,), 2.0, 3.0, seed=1), 2, 3),
        (lambda n: random.truncated_normal((n,), 2.0, 3.0, seed=1), 2, 3 * 0.8796256610342398),
        (lambda n: random.uniform((n,), 1.0, 3.0, seed=1), 2, 1 / math.sqrt(3)),
        (lambda n: random.randint((n,), 0, 4, seed=1), 1.5, math.sqrt(15 / 12)),
        (lambda n: random.gamma((n,), 3.0, seed=1), 3, math.sqrt(3)),
        (lambda n: random.beta((n,), 2.0, 3.0, seed=1), 0.4, 0.2),
        (lambda n: random.binomial((n,), 10.0, 0.3, seed=1), 3, math.sqrt(2.1)),
        (lambda n: random.dropout(jnp.ones(n), 0.2, seed=1), 1, 0.5),
        (lambda n: random.categorical(jnp.log(jnp.array([[0.5, 0.5]])), n, seed=1), 0.5, 0.5),
    ],
)
def test_distributions(draw, mean, std):
    values = np.asarray(draw(20_000), "float64")
    assert abs(values.mean() - mean) < 5 * std / math.sqrt(values.size)
    assert abs(values.std() / std - 1) < 0.05


def test_categorical_follows_its_rows():
    drawn = np.asarray(random.categorical(LOGITS, 20_000, seed=3))
    for row, logits in zip(drawn, LOGITS, strict=True):
        np.testing.assert_allclose(np.bincount(row) / row.size, np.exp(logits), atol=0.02)


@pytest.mark.parametrize("name", ["normal", "truncated_normal", "uniform"])
def test_limits_and_dtypes(name):
    function = getattr(random, name)
    for dtype in ("float16", "bfloat16", "float32"):
        assert function((2, 3), dtype=dtype, seed=1).dtype == dtype
    values = np.asarray(function((10_000,), seed=2))
    if name == "uniform":
        assert values.min() >= 0 and values.max() < 1
    if name == "truncated_normal":
        assert np.abs(values).max() <= 2 and np.abs(values).max() > 1.95
    assert function(4, seed=1).shape == (4,)
    with pytest.raises(ValueError, match=f"random.{name} draws floats; got dtype='int32'"):
        function((2,), dtype="int32", seed=1)


def test_randint_and_shuffle():
    values = np.asarray(random.randint((1000,), -2, 3, seed=1))
    assert set(values) == {-2, -1, 0, 1, 2}
    with pytest.raises(ValueError, match=r"random.randint draws integers; got dtype='float32'"):
        random.randint((2,), 0, 3, dtype="float32", seed=1)
    x = np.arange(40).reshape(20, 2)
    shuffled = np.asarray(random.shuffle(x, seed=1))
    assert not np.array_equal(shuffled, x)
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), x)


def test_dropout_keeps_the_dtype_the_sum_and_the_gradient():
    x = jnp.ones((100, 100), "bfloat16")
    dropped = random.dropout(x, 0.25, seed=1)
    assert dropped.dtype == "bfloat16"
    assert set(np.unique(np.asarray(dropped, "float32"))) == {0.0, np.float32(jnp.bfloat16(4 / 3))}
    gradient = jax.grad(lambda y: random.dropout(y, 0.25, seed=1).sum())(x.astype("float32"))
    np.testing.assert_array_equal(np.asarray(gradient) > 0, np.asarray(dropped) > 0)
    assert random.dropout(jnp.full((2, 2), jnp.nan), 1.0).tolist() == [[0, 0], [0, 0]]


def test_noise_shape_shares_the_noise():
    dropped = np.asarray(random.dropout(jnp.ones((4, 5, 6)), 0.5, (None, 1, None), seed=3))
    assert (dropped == dropped[:, :1]).all()
    assert 0 < (dropped[:, 0] == 0).sum() < 24
    for wrong in ((4, 5), (4, 2, 6), (1, 4, 5, 6)):
        with pytest.raises(ValueError):
            random.dropout(jnp.ones((4, 5, 6)), 0.5, wrong, seed=3)


def test_no_seed_follows_the_global_seed():
    random.set_seed(42)
    first = [random.normal((3,)), random.uniform((3,)), random.normal((3,))]
    assert not np.array_equal(first[0], first[2])
    random.set_seed(42)
    second = [random.normal((3,)), random.uniform((3,)), random.normal((3,))]
    np.testing.assert_array_equal(first, second)
    random.set_seed(43)
    assert not np.array_equal(first[0], random.normal((3,)))
    # A position of the global seed is never the stream of a whole number.
    assert not np.array_equal(first[0], random.normal((3,), seed=42))


def test_no_seed_is_refused_where_it_would_freeze():
    with pytest.raises(ValueError, match=r"test_random.py:\d+: a random function.*SeedGenerator"):
        jax.jit(lambda x: x + random.normal((3,)))(jnp.ones(3))
    with pytest.raises(ValueError, match="SeedGenerator"):
        jax.lax.fori_loop(0, 2, lambda i, x: random.dropout(x, 0.5), jnp.ones(3))
    # Gradients and maps outside of a compiled function are taken anew each time, so they may.
    assert jax.grad(lambda x: (x * random.normal((3,))).sum())(jnp.ones(3)).shape == (3,)


def test_shapes_are_inferred_without_a_draw():
    generator = SeedGenerator()
    random.set_seed(1)
    expected = np.asarray(random.normal((3,)))
    random.set_seed(1)
    with shape_scope():
        for seed in (None, generator):
            spec = jax.eval_shape(
                lambda x, seed=seed: random.normal(x.shape, seed=seed),
                jax.ShapeDtypeStruct((2, 3), "float32"),
            )
            assert spec.shape == (2, 3)
    assert not generator.state.initialized
    np.testing.assert_array_equal(random.normal((3,)), expected)


def test_a_variable_can_be_drawn_by_these_functions_while_tracing():
    variable = Variable(lambda shape, dtype: random.normal(shape, dtype=dtype), shape=(3,))
    jax.jit(lambda x: x + variable.value)(jnp.ones(3))
    assert variable.numpy().shape == (3,)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "a", [1]])
def test_other_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="`seed` is a whole number"):
        random.normal((2,), seed=seed)


def test_a_jax_key_is_a_seed():
    key = jax.random.key(3)
    np.testing.assert_array_equal(random.normal((4,), seed=key), jax.random.normal(key, (4,)))
    drawn = jax.vmap(lambda k: random.uniform((2,), seed=k))(jax.random.split(key, 3))
    assert drawn.shape == (3, 2)


def test_other_errors_teach():
    with pytest.raises(ValueError, match=r"from 0 to 1; got 1.5"):
        random.dropout(jnp.ones(3), 1.5, seed=1)
    with pytest.raises(ValueError, match=r"\(batch, classes\); got \(3,\)"):
        random.categorical(jnp.ones(3), 2, seed=1)
    with pytest.raises(ValueError, match=r"random.normal: the shape \(None, 3\)"):
        random.normal((None, 3), seed=1)


@pytest.mark.parametrize(
    ("name", "args", "shape"),
    [
        ("dropout", (0.5,), (None, 4)), ("categorical", (7,), (None, 7)),
        ("shuffle", (), (None, 4)),
    ],
)  # fmt: skip
def test_they_record_on_symbolic_tensors(name, args, shape):
    function = getattr(random, name)
    generator = SeedGenerator(3)
    x = SymbolicTensor((None, 4), name="x")
    y = function(x, *args, seed=generator)
    assert y.shape == shape
    assert y.node.name == name and y.node.kwargs["seed"] is generator
    assert not generator.state.initialized
    value = jnp.asarray(np.random.default_rng(0).normal(size=(5, 4)), "float32")
    expected = [
        np.asarray(function(value, *args, seed=s)) for s in [SeedGenerator(3)] for _ in "ab"
    ]
    graph = Graph(x, y)
    np.testing.assert_array_equal(graph.run(value), expected[0])
    np.testing.assert_array_equal(graph.run(value), expected[1])


def test_symbolic_parameters_record_too():
    mean = SymbolicTensor((4,), name="mean")
    y = random.normal((3, 4), mean, seed=1)
    assert y.shape == (3, 4)
    run = Graph(mean, y).run(jnp.arange(4.0))
    np.testing.assert_array_equal(run, random.normal((3, 4), jnp.arange(4.0), seed=1))
    variable = Variable([1.0, 2.0])
    np.testing.assert_array_equal(
        random.normal((2,), variable, seed=1), random.normal((2,), jnp.array([1.0, 2.0]), seed=1)
    )


def test_unknown_sizes_pass_through():
    # Inside a layer's call the sizes of a traced input are symbols.
    x = SymbolicTensor((None, 4))
    shapes = {
        name: jax.eval_shape(lambda a, f=f: f((a.shape[0], 2)), x.spec).shape
        for name, f in {
            "normal": lambda s: random.normal(s, seed=1),
            "truncated_normal": lambda s: random.truncated_normal(s, seed=1),
            "uniform": lambda s: random.uniform(s, seed=1),
            "randint": lambda s: random.randint(s, 0, 3, seed=1),
            "gamma": lambda s: random.gamma(s, 2.0, seed=1),
            "beta": lambda s: random.beta(s, 2.0, 2.0, seed=1),
            "binomial": lambda s: random.binomial(s, 3.0, 0.5, seed=1),
        }.items()
    }
    assert {name: shape for name, shape in shapes.items() if shape != (x.dims[0], 2)} == {}
