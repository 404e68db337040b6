"""Variables: values, dtypes, operators, laziness, and what they refuse."""

import copy
import operator
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium.state import StatelessScope, Variable, autocast_scope
from trivium.state.scopes import shape_scope

INITIAL = [
    1, 1.5, True, [1, 2], [1.0, 2], [[True]], np.ones(2), np.ones((2, 1), "float16"), np.uint8(3),
    jnp.ones(2, "int8"), jnp.ones(2, "bfloat16"), np.zeros((0, 3)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [None, "float32", "float16", "int32"])
@pytest.mark.parametrize("initial", INITIAL, ids=repr)
def test_shape_and_dtype_are_those_of_keras(initial, dtype):
    def made(library):
        v = library.Variable(initial, dtype=dtype)
        return (tuple(v.shape), v.dtype, v.ndim), np.asarray(v)

    (mine, values), (theirs, their_values) = both(made)
    assert mine == theirs
    np.testing.assert_array_equal(values, their_values)
    assert Variable(initial, dtype=dtype).size == np.size(initial)


def test_64_bits_become_32_without_a_warning():
    assert Variable(np.arange(3)).dtype == "int32" and Variable(np.ones(3)).dtype == "float32"


NUMERIC = [
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq", "ne",
]  # fmt: skip
LOGICAL = ["and_", "or_", "xor", "eq", "ne"]
OTHERS = {
    "variable": lambda v, values: type(v)(values),
    "number": lambda v, values: values[0],
    "numpy": lambda v, values: np.array(values, v.dtype),
    "jax": lambda v, values: jnp.array(values),
    "list": lambda v, values: values,
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize(
    ("name", "value"), [(n, [1.0, 2.0]) for n in NUMERIC] + [(n, [True, False]) for n in LOGICAL]
)
def test_operators_are_those_of_keras_on_both_sides(name, value, other):
    make = OTHERS[other]

    def results(library):
        v, function = library.Variable(value), getattr(operator, name)
        b = make(v, value[::-1])
        return [np.asarray(function(v, b)), np.asarray(function(b, v))]

    for mine, theirs in zip(*both(results), strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype


@pytest.mark.parametrize(
    "function", [operator.neg, operator.pos, abs, round, lambda v: round(v, 1), lambda v: v[0]]
)
def test_unary_operators_are_those_of_keras(function):
    mine, theirs = both(lambda library: np.asarray(function(library.Variable([-1.26, 2.5]))))
    np.testing.assert_array_equal(mine, theirs)


def test_other_operators():
    v, matrix = Variable([1.0, 2.0]), Variable([[1.0, 2.0], [3.0, 4.0]])
    assert (matrix @ v).tolist() == [5.0, 11.0] and (v @ np.ones(2, "float32")).item() == 3.0
    assert matrix[1, ::-1].tolist() == [4.0, 3.0] and matrix[[1, 0], [0, 0]].tolist() == [3.0, 1.0]
    assert (~Variable([True, False])).tolist() == [False, True]
    assert float(Variable(2.5)) == 2.5 and int(Variable(2)) == 2 and bool(Variable(0)) is False
    assert [float(x) for x in v] == [1.0, 2.0] and 2.0 in v and 3.0 not in v
    assert len(matrix) == 2
    with pytest.raises(TypeError):
        len(Variable(1.0))


def test_equality_is_by_element_and_identity_by_hash():
    v, w = Variable([1.0, 2.0]), Variable([1.0, 2.0])
    assert (v == w).tolist() == [True, True] and (v != 1.0).tolist() == [False, True]
    assert len({v, w, v}) == 2 and {v: 1}[v] == 1
    assert (v == None) is False and (v != None) is True  # noqa: E711
    assert v != "kernel"


def test_assigning():
    v = Variable([1.0, 2.0], name="w")
    assert v.assign([3, 4]).tolist() == [3.0, 4.0] and v.dtype == "float32"
    assert v.assign_add(np.ones(2)).tolist() == [4.0, 5.0]
    assert v.assign_sub(Variable([1.0, 1.0])).tolist() == [3.0, 4.0]
    assert v.numpy().tolist() == [3.0, 4.0]
    whole = Variable([1, 2])
    whole.assign([3.9, -1.2])
    theirs = recorded(lambda keras: keras.ops.cast([3.9, -1.2], "int32"))
    assert whole.numpy().tolist() == theirs.tolist()


@pytest.mark.parametrize("value", [1.0, [1.0], [[1.0, 2.0]], [1.0, 2.0, 3.0]])
def test_a_value_of_another_shape_is_refused_and_nothing_changed(value):
    v = Variable([1.0, 2.0], name="w")
    with pytest.raises(ValueError, match=r"'w' has shape \(2,\); it cannot take a value of shape"):
        v.assign(value)
    assert v.numpy().tolist() == [1.0, 2.0]


def test_numpy_copies_are_independent():
    v = Variable([1.0, 2.0])
    v.numpy()[0] = 9.0
    assert v.numpy().tolist() == [1.0, 2.0]
    source = np.ones(2, "float32")
    w = Variable(source)
    source[0] = 9.0
    assert w.numpy().tolist() == [1.0, 1.0]


# --- lazy first values


def test_the_first_value_is_drawn_once_when_it_is_needed():
    calls = []

    def initializer(shape, dtype):
        calls.append((shape, dtype))
        return np.full(shape, len(calls), dtype)

    v = Variable(initializer, (2,), "float16")
    assert not v.initialized and calls == [] and v.shape == (2,) and v.dtype == "float16"
    assert v.numpy().tolist() == [1.0, 1.0] and v.initialized
    assert v.value.dtype == "float16"
    v.initialize()
    assert calls == [((2,), "float16")]
    v.forget()
    assert not v.initialized and v.numpy().tolist() == [2.0, 2.0]


def test_a_value_given_is_not_forgotten():
    v = Variable([1.0])
    v.forget()
    assert v.numpy().tolist() == [1.0]


def test_a_value_assigned_first_is_the_first():
    v = Variable(lambda shape, dtype: 1 / 0, (2,))
    v.assign([1.0, 2.0])
    assert v.numpy().tolist() == [1.0, 2.0]


def test_the_first_value_is_real_whatever_is_traced():
    v = Variable(lambda shape, dtype: jnp.ones(shape, dtype), (2,))

    @jax.jit
    def double(x):
        return x * v.value

    assert double(2.0).tolist() == [2.0, 2.0]
    assert not isinstance(v._value, jax.core.Tracer) and v.numpy().tolist() == [1.0, 1.0]


def test_shapes_are_inferred_without_drawing():
    v = Variable(lambda shape, dtype: 1 / 0, (2, 3))
    with shape_scope():
        assert (v.value + 1).shape == (2, 3)
        v.assign(np.zeros((2, 3)))
    assert not v.initialized


def test_an_initializer_of_another_shape_is_refused():
    v = Variable(lambda shape, dtype: np.zeros(3), (2,), name="w")
    with pytest.raises(ValueError, match=r"'w': its initializer gave shape \(3,\), wanted \(2,\)"):
        v.initialize()
    assert not v.initialized


# --- autocast, names, trainability


def test_autocast_reads_floats_in_the_compute_type():
    kernel, count, fixed = Variable([1.0]), Variable([1]), Variable([1.0], autocast=False)
    with autocast_scope("bfloat16"):
        assert (kernel.dtype, count.dtype, fixed.dtype) == ("bfloat16", "int32", "float32")
        assert kernel.value.dtype == "bfloat16" and fixed.value.dtype == "float32"
        with autocast_scope(None):
            assert kernel.dtype == "float32"
        kernel.assign(kernel.value * 2)
    assert kernel.dtype == "float32" and kernel._value.dtype == "float32"


def test_paths_name_the_owner():
    layer = tv.layers.Dense(2, name="out")
    model = tv.Sequential([tv.Input((3,)), layer], name="net")
    assert [v.path for v in model.weights] == ["net/out/kernel", "net/out/bias"]
    assert Variable([1.0], name="alone").path == "alone"
    assert (
        repr(layer.bias) == "<Variable path=net/out/bias, shape=(2,), dtype=float32, value=[0. 0.]>"
    )


def test_frozen_is_not_trainable_but_remembers():
    v = Variable([1.0])
    assert v.trainable and v.trainable_unless_frozen
    v.frozen = True
    assert not v.trainable and v.trainable_unless_frozen
    v.frozen, v.trainable = False, False
    assert not v.trainable


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Variable(np.zeros), "an initializer function needs a shape"),
        (lambda: Variable([1.0], name="a/b"), "without '/'; got 'a/b'"),
        (lambda: Variable([1.0], name=3), "got 3"),
        (lambda: Variable([1.0, 2.0], shape=(3,)), r"has shape \(2,\), not \(3,\)"),
        (lambda: Variable([1.0], dtype="float33"), "'float33'. Did you mean 'float32'"),
        (lambda: Variable("zeros", (2,)), r"initializers.get\('zeros'\)"),
    ],
)
def test_misuse_is_explained(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# --- JAX


def test_traced_values_do_not_stay():
    v = Variable([1.0], name="w")
    with pytest.raises(RuntimeError, match=r"'w' would be left holding a traced value.*stateless"):
        jax.jit(lambda x: v.assign(x))(jnp.ones(1))
    assert v.numpy().tolist() == [1.0]


def test_inside_a_scope_tracing_is_fine():
    v = Variable([1.0, 2.0])

    @jax.jit
    def step(value):
        with StatelessScope([(v, value)]) as scope:
            v.assign_add(v * 2.0)
            return scope.get_current_value(v)

    assert step(jnp.ones(2)).tolist() == [3.0, 3.0] and v.numpy().tolist() == [1.0, 2.0]


def test_a_symbolic_value_cannot_be_assigned():
    with pytest.raises(
        tv.CaptureError, match=r"test_variable.py:\d+: .*assigning it to the variable 'w'"
    ):
        Variable([1.0], name="w").assign(tv.Input((1,)))


def test_arithmetic_with_symbolic_tensors_records():
    x, v = tv.Input((2,)), Variable([1.0, 2.0])
    for y in (x * v, v * x, v - x, x == v, v != x):
        assert isinstance(y, tv.SymbolicTensor) and y.shape == (None, 2)


def test_copies_and_pickles_are_independent():
    v = Variable([1.0, 2.0], name="w", trainable=False)
    for twin in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        twin.assign([3.0, 4.0])
        assert (twin.name, twin.trainable, twin.dtype) == ("w", False, "float32")
        assert v.numpy().tolist() == [1.0, 2.0]


def test_parts_are_assigned():
    v = Variable([[1.0, 2.0], [3.0, 4.0]])
    v[0].assign([9.0, 9.0])
    v[1, 0].assign_add(1.0)
    v[:].assign_sub(np.ones((2, 2), "float32"))
    assert v.numpy().tolist() == [[8.0, 8.0], [3.0, 3.0]]
    assert isinstance(v[0], jax.Array) and float(jnp.sum(v[0])) == 16.0
    with pytest.raises(ValueError):
        v[0].assign(np.ones(3))
    assert float(jax.jit(lambda x: v[0, 0] * x)(2.0)) == 16.0


def test_the_representation_shows_the_value_and_draws_none_that_has_no_position():
    assert repr(Variable(2.5, name="v")) == "<Variable path=v, shape=(), dtype=float32, value=2.5>"
    lazy = Variable(lambda shape, dtype: np.ones(shape), shape=(2,), name="lazy")
    assert "not drawn yet" in repr(lazy) and not lazy.initialized
    big = repr(Variable(np.zeros((50, 50)), name="big"))
    assert len(big) < 200 and "..." in big
    shown = []
    jax.jit(lambda x: shown.append(repr(lazy)) or x)(1.0)
    assert "not drawn yet" in shown[0]
