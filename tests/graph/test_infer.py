"""Shapes without data: symbols, sizes that must agree, numbers tried out, and errors that say where."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import ops
from trivium.graph import CaptureError, SymbolicTensor, lowered_text, op
from trivium.graph.infer import infer
from trivium.graph.tensor import fresh_dimension
from trivium.state import Variable
from trivium.state.seeds import draw_key
from trivium.state.symbolic_dimensions import replace_symbols


def tensor(*shape, **options):
    return SymbolicTensor((None, *shape), **options)


# --- symbols


def test_sizes_are_exact_expressions():
    x = tensor(None, 2)
    batch, length, _ = x.dims
    assert ops.concatenate([x, x], axis=1).dims == (batch, 2 * length, 2)
    assert x[:, 1:].dims == (batch, length - 1, 2)
    assert ops.reshape(x, (-1, 2)).dims == (batch * length, 2)
    assert ops.reshape(x, (-1, 2)).shape == (None, 2)
    assert ops.repeat(x, 3, axis=1)[:, 1:-1].dims == (batch, 3 * length - 2, 2)
    assert (x @ ops.transpose(x, (0, 2, 1))).dims == (batch, length, length)
    assert tv.layers.Conv1D(4, 3, strides=2)(x).shape == (None, None, 4)


def test_what_leaves_a_size_alone_keeps_its_symbol():
    x = tensor(None, 2)
    for y in (ops.tanh(x), x + x[:, ::-1], tv.layers.Dense(2)(x), x * np.ones(2, "float32")):
        assert y.dims == x.dims


def test_all_batches_are_one_and_other_sizes_are_their_own():
    a, b = tensor(None), tensor(None)
    assert a.dims[0] == b.dims[0] and a.dims[1] != b.dims[1] != fresh_dimension()


def test_sizes_that_must_be_equal_are_taken_for_equal():
    a, b = tensor(None, 3), tensor(None, 3)
    assert (a + b).shape == (None, None, 3)
    assert ops.where(a > b, a, b)[:, 1:].shape == (None, None, 3)
    assert (a @ ops.transpose(b, (0, 2, 1))).shape == (None, None, None)
    joined = ops.concatenate([a, b], axis=1)
    assert joined.dims[1] == a.dims[1] + b.dims[1]


def test_an_unknown_size_beside_a_known_one_is_that():
    assert (tensor(None, 3) + tensor(5, 3)).shape == (None, 5, 3)
    assert (tensor(5, 3) * tensor(None, 1)).shape == (None, 5, 3)
    assert (SymbolicTensor((4, None)) + SymbolicTensor((None, 2))).shape == (4, 2)


def test_symbols_can_be_replaced():
    length = fresh_dimension()
    assert replace_symbols(2 * length - 4, lambda name: 12) == 20
    other = fresh_dimension()
    assert replace_symbols(length * 2, lambda name: other) == other * 2
    assert replace_symbols(7, lambda name: 1) == 7


# --- numbers, tried out


def sized(function):
    """An op whose code wants its sizes to be numbers."""

    @op
    def call(*arrays):
        sizes = [tuple(int(d) for d in x.shape) for x in arrays]
        return function(*arrays, *sizes)

    return call


def test_a_size_that_goes_through_numbers_keeps_its_symbol():
    x = tensor(None, 4)
    y = sized(lambda x, s: jnp.reshape(x, (s[0], s[1] * 2, 2)))(x)
    assert y.shape == (None, None, 2) and y.dims[0] == x.dims[0]
    assert sized(lambda x, s: jnp.zeros((s[1], s[0], 7)))(x).dims == (x.dims[1], x.dims[0], 7)


def test_what_does_not_vary_is_known():
    y = sized(lambda x, s: {"a": jnp.zeros((s[0], 9 if s[1] > 5 else 8)), "b": [jnp.zeros(3)]})(
        tensor(None)
    )
    assert y["a"].shape == (None, 9) and y["b"][0].shape == (3,)


def test_numbers_for_sizes_that_must_be_equal():
    def check(a, b, s, t):
        assert s[1] == t[1]
        return jnp.zeros((s[0], s[1]))

    assert sized(check)(tensor(None), tensor(None)).shape == (None, None)


def test_numbers_for_sizes_that_depend_on_each_other():
    def check(a, b, s, t):
        assert s[1] == 2 * t[1] + 1
        return a[:, 1 : 1 + t[1]] * b

    x = tensor(None, 3)
    longer = ops.concatenate([x, x, x[:, :1]], axis=1)
    assert sized(check)(longer, x).shape == (None, None, 3)
    with pytest.raises(Exception, match="requires a constant"):
        sized(check)(x, x)


def test_a_quotient_gets_a_number_of_its_own():
    x = tensor(None, 2)
    halved = tv.layers.MaxPooling1D(2)(x)
    y = sized(lambda a, b, s, t: jnp.zeros((s[0], s[1], t[1])))(x, halved)
    assert y.dims == (x.dims[0], x.dims[1], halved.dims[1])


def test_graphs_of_such_code_run():
    x = tv.Input((None, 2))
    y = sized(lambda x, s: jnp.reshape(x, (s[0], s[1] * s[2])))(x)
    model = tv.Model(x, y)
    assert model.output_shape == (None, None)
    assert model(np.ones((3, 5, 2))).shape == (3, 10)


# --- structures, arguments, effects


def test_tensors_anywhere_among_the_arguments():
    a, b = tensor(3), tensor(3)

    @op
    def mixed(first, pair, *, table, scale=1.0):
        return {"sum": first + pair[1] * scale, "rest": (table["x"][0] * pair[0],)}

    y = mixed(a, (2.0, b), table={"x": [a, None], "y": "text"}, scale=np.float32(3))
    assert y["sum"].shape == (None, 3) and y["rest"][0].node is y["sum"].node
    assert [t.name for t in (y["rest"][0], y["sum"])] == ["mixed_0", "mixed_1"]
    assert y["sum"].node.inputs == [a, b, a]


def test_dtypes_are_inferred_too():
    x = tensor(3, dtype="int32")
    assert (x + 1).dtype == "int32" and (x / 2).dtype == "float32" and (x > 1).dtype == "bool"
    assert ops.cast(x, "bfloat16").dtype == "bfloat16"
    assert (tensor(2, dtype="float16") * 2.0).dtype == "float16"


def test_nothing_is_drawn_written_or_computed():
    before = draw_key()[1]
    drawn = Variable(lambda shape, dtype: 1 / 0, (3,))
    kept = Variable([1.0])
    calls = []

    def function(x):
        calls.append(isinstance(x, jax.core.Tracer))
        kept.assign([5.0])
        return x * drawn.value

    assert infer(function, (tensor(3),), {}).shape[1:] == (3,)
    assert calls == [True] and not drawn.initialized and kept.numpy().tolist() == [1.0]
    assert draw_key()[1] == before + 1


# --- errors


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (
            lambda: tensor(3) + tensor(4),
            [r"add(x1=float32(None, 3), x2=float32(None, 4))", "incompatible"],
        ),
        (
            lambda: tensor(None, 4) * tensor(None, 5),
            ["multiply(x1=float32(None, None, 4)", "(None, None, 5)"],
        ),
        (lambda: tensor(3) @ tensor(4), ["matmul(", "(None, 3)", "(None, 4)"]),
        (
            lambda: ops.concatenate([tensor(3, 4), tensor(2, 5)], axis=1),
            ["concatenate(", "(None, 3, 4)", "(None, 2, 5)", "axis=1"],
        ),
        (
            lambda: tv.layers.Add(name="joined")([tensor(3), tensor(4)]),
            ["Layer 'joined' (Add)", "(None, 3)", "(None, 4)"],
        ),
        (
            lambda: tv.layers.Dense(3, name="top")(tensor(None)),
            ["Layer 'top'", "(None, 3)", "kernel"],
        ),
    ],
)
def test_shapes_that_do_not_fit_are_named_with_the_place(use, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        use()
    for word in words:
        assert word in str(caught.value)


def test_an_error_inside_models_names_the_way_in():
    class Outer(tv.Model):
        def __init__(self):
            super().__init__(name="outer")
            self.wide = tv.layers.Dense(5)
            self.block = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)], name="block")

        def call(self, x):
            return self.block(self.wide(x))

    model = Outer()
    with pytest.raises(ValueError, match=r"'outer/block'.*shape \(None, 4\).*\(None, 5\)"):
        model(np.ones((2, 3), "float32"))
    assert not model.built and not model.wide.built


def test_the_first_error_is_the_one_that_is_told():
    """The other attempts are the library's own idea; what they meet is no news."""
    seen = []

    @op
    def picky(x):
        seen.append(x.shape)
        raise ValueError(f"attempt {len(seen)} on a {type(x.shape[0]).__name__}")

    with pytest.raises(ValueError, match=r"attempt 1\b"):
        picky(tensor(None))
    assert len(seen) > 1, "its words say that it met a symbol"
    seen.clear()
    with pytest.raises(ValueError, match=r"attempt 1\b"):
        picky(SymbolicTensor((2, 3)))
    assert len(seen) == 1, "with all sizes known there is nothing else to try"


@pytest.mark.parametrize(
    "fail",
    [
        lambda x: {}["a"],
        lambda x: x.no_such_thing,
        lambda x: jnp.dot(x, jnp.ones((7, 2))),
        lambda x: x + jnp.ones((3, 5)),
        lambda x: (_ for _ in ()).throw(ValueError("a user's own")),
        lambda x: (_ for _ in ()).throw(AssertionError),
    ],
)
def test_what_has_nothing_to_do_with_unknown_sizes_is_raised_at_once(fail):
    seen = []

    def layer(x):
        seen.append(x.shape)
        return fail(x)

    with pytest.raises((KeyError, AttributeError, TypeError, ValueError, AssertionError)):
        infer(layer, (SymbolicTensor((None, 3)),), {})
    assert len(seen) == 1


def line_of(function):
    return f"test_infer.py:{function.__code__.co_firstlineno + 1}: "


def branches(x):
    return x if x > 0 else -x


def loops(x):
    return sum(row for row in x)


def measures(x):
    return float(x)


def leaves_for_numpy(x):
    return np.tanh(x)


def leaves_for_jax(x):
    return jnp.tanh(x)


@pytest.mark.parametrize("function", [branches, loops, measures, leaves_for_numpy, leaves_for_jax])
def test_what_cannot_be_recorded_is_refused_with_the_users_line(function):
    with pytest.raises(CaptureError) as caught:
        function(tensor(3))
    assert line_of(function) in str(caught.value) and "has no values yet" in str(caught.value)
    assert caught.value.location.endswith(line_of(function)[:-2])


@pytest.mark.parametrize("function", [branches, measures])
def test_the_line_is_found_through_layers_and_models(function):
    class Asks(tv.Model):
        def call(self, x):
            return function(ops.square(x))

    with pytest.raises(CaptureError) as caught:
        Asks().build((None, 3))
    assert line_of(function) in str(caught.value) and "ops.where" in str(caught.value)


def test_a_capture_error_is_final():
    """No other attempt can help, and each would run the user's code again."""
    calls = []

    def asks(x):
        calls.append(1)
        raise CaptureError("no")

    with pytest.raises(CaptureError, match=r"test_infer.py:\d+: no"):
        infer(asks, (tensor(None),), {})
    assert len(calls) == 1


def test_lowered_text_does_not_tell_how_many_symbols_there_were_before():
    """Names of symbols count up in a process; the order of an exported program's arguments follows them."""

    def text():
        a, b = tensor(None), tensor(None)
        return lowered_text(lambda x, y: x.sum() + y, a.spec, b.spec)

    first = text()
    for _ in range(120):
        fresh_dimension()
    assert text() == first
    a = tensor(None)
    assert lowered_text(lambda x, y: x.sum() + y, a.spec, a.spec) != first, "one size is not two"


@pytest.mark.parametrize(
    ("count", "wanted"),
    [
        (lambda size: ops.arange(size), [0, 1, 2, 3, 4]),
        (lambda size: ops.arange(1, size, dtype="float32"), [1, 2, 3, 4]),
        (lambda size: ops.arange(0, 2 * size, 3), [0, 3, 6, 9]),
        (lambda size: ops.arange(size - 1, -1, -1), [4, 3, 2, 1, 0]),
        (lambda size: ops.repeat(np.int32([7, 8]), size - 2), [7, 7, 7, 8, 8, 8]),
    ],
)
def test_a_users_layer_counts_up_to_an_unknown_size(count, wanted):
    class Positions(tv.layers.Layer):
        def call(self, x):
            return count(ops.shape(x)[1]) + ops.cast(0 * ops.sum(x), "int32")

    x = tv.Input((None,))
    y = Positions()(x)
    assert y.shape == (None,)
    assert tv.Model(x, y)(np.zeros((2, 5))).tolist() == wanted
