"""What is relied on of JAX beyond its documented interface: a version of JAX that passes this will do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import trivium
from trivium.state import jaxpr
from trivium.state.symbolic_dimensions import parse_sizes, replace_symbols, symbols_of
from trivium.state.traces import asked_by_operator, trace_state

SOURCE = Path(trivium.__file__).parent


def size(text: str) -> Any:
    return parse_sizes([text])[0]


@pytest.mark.parametrize(
    "text",
    ["d1", "3", "2*d1 + 1", "floordiv(d1, 2)", "mod(d1 + 1, 3)", "d1*d2 - 3", "max(d1, d2)", "b"],
)
def test_a_size_and_its_text_are_one(text: str) -> None:
    assert size(str(size(text))) == size(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2*d1 + 1", 21), ("floordiv(d1 + 1, 2)*d2", 15), ("mod(d1, 3)", 1), ("max(d1, d2)", 10),
        ("d1*d1 - d2", 97), ("7", 7), ("min(d1, d2) + d1", 13),
    ],
)  # fmt: skip
def test_symbols_are_replaced_by_numbers_and_by_other_symbols(text: str, number: int) -> None:
    assert replace_symbols(size(text), {"d1": 10, "d2": 3}.__getitem__) == number
    other = {"d1": size("d8"), "d2": size("d9 + 1")}.__getitem__
    there = replace_symbols(size(text), other)
    back = replace_symbols(there, {"d8": 10, "d9": 2}.__getitem__)
    assert back == number


def test_symbols_come_in_the_order_in_which_they_were_given() -> None:
    assert symbols_of(size("d10*d9 + b")) == ["b", "d9", "d10"]
    assert symbols_of(5) == []


def test_sizes_that_no_number_can_be_made_of_are_symbols() -> None:
    assert not isinstance(size("d1"), int) and export.is_symbolic_dim(size("d1"))
    assert isinstance(size("3"), int)


def trace(function: Any, *shapes: tuple[Any, ...]) -> Any:
    return jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(s, "float32") for s in shapes))


@pytest.mark.parametrize(
    ("function", "needed"),
    [
        (lambda x, y: x.reshape(-1), {"d1", "d2"}),
        (lambda x, y: x + 1.0, {"d1", "d2"}),
        (lambda x, y: x.sum(), set()),
        (lambda x, y: jnp.zeros(y.shape) + 1.0, {"d3"}),
        (lambda x, y: jax.jit(lambda a: a * y.shape[0])(x.sum()), {"d3"}),
        (lambda x, y: jax.lax.scan(lambda c, _: (c + jnp.ones(y.shape).sum(), None), 0.0, None, 3), {"d3"}),
        (lambda x, y: jax.lax.cond(True, lambda: jnp.ones(y.shape).sum(), lambda: 0.0), {"d3"}),
        (lambda x, y: jax.nn.relu(x).sum(), {"d1", "d2"}),
    ],
)  # fmt: skip
def test_the_symbols_that_equations_need(function: Any, needed: set[str]) -> None:
    program = trace(function, (size("d1"), size("d2")), (size("d3"),))
    assert jaxpr.symbols_in(program.eqns) == needed


def test_parts_of_programs_run_and_read_the_same() -> None:
    def function(x: Any) -> Any:
        y = jnp.sin(x) * np.arange(3.0, dtype="float32")
        return jax.nn.relu(y) + 1.0

    one, two = trace(function, (3,)), trace(function, (3,))
    x = jnp.array([1.0, -1.0, 2.0])
    np.testing.assert_array_equal(jaxpr.as_function(one)(x)[0], function(x))
    last, other = one.eqns[-1], two.eqns[-1]
    inputs = [v for v in last.invars if not jaxpr.is_literal(v)]
    part = jaxpr.part_of(one, [last], inputs, last.outvars)
    np.testing.assert_array_equal(jaxpr.as_function(part)(x)[0], x + 1.0)
    twin = jaxpr.part_of(
        two, [other], [v for v in other.invars if not jaxpr.is_literal(v)], other.outvars
    )
    assert jaxpr.program_text(part) == jaxpr.program_text(twin)
    assert jaxpr.program_text(one) == jaxpr.program_text(two)
    assert jaxpr.program_text(one) != jaxpr.program_text(part)


def test_what_a_step_leaves_as_it_was_and_whether_it_calls_python() -> None:
    def step(a: Any, b: Any, x: Any) -> Any:
        return x.sum(), a, b + x

    program = trace(step, (3,), (3,), (3,))
    assert jaxpr.changed(program, 2, 1) == [1] and not jaxpr.calls_python(program)

    def loud(x: Any) -> Any:
        return jax.lax.scan(lambda c, _: (jax.debug.callback(print, c) or c, None), x, None, 2)

    assert jaxpr.calls_python(trace(loud, (3,)))
    assert jaxpr.calls_python(trace(lambda x: jax.pure_callback(np.sin, x, x), (3,)))


def test_a_marker_is_traced_and_never_run() -> None:
    spec = jax.ShapeDtypeStruct((2,), "float16")
    mark = jaxpr.marker("pair", lambda x, *, what: [what, what], several=True)
    one, two = trace(lambda x: tuple(mark.bind(x, what=spec)), (3,)).out_avals
    assert (one.shape, two.dtype) == ((2,), "float16")


def test_where_an_equation_comes_from_and_what_it_is_called() -> None:
    equation = trace(lambda x: jnp.sin(x), (3,)).eqns[0]
    assert any(file == __file__ for file, _ in jaxpr.frames(equation))
    assert all(isinstance(line, int) for _, line in jaxpr.frames(equation))
    assert jaxpr.operation_name(equation) == "sin"
    assert jaxpr.operation_name(trace(lambda x: jnp.where(True, x, x), (3,)).eqns[-1]) == "where"


def test_a_program_for_unknown_sizes_lowers_to_a_text_without_locations() -> None:
    """The fingerprint is a hash of this text: JAX lowers for symbols outside of `export`, too."""

    def lowered(function: Any) -> str:
        return str(
            jax.jit(function).lower(jax.ShapeDtypeStruct((size("b"), 3), "float32")).as_text()
        )

    def one(x: Any) -> Any:
        return jnp.sin(x) + jax.nn.relu(x)

    def two(quantity: Any) -> Any:
        half = jnp.sin(quantity)
        return half + jax.nn.relu(quantity)

    texts = [lowered(one).replace("one", "f"), lowered(two).replace("two", "f")]
    assert texts[0] == texts[1]
    assert "tensor<?x3xf32>" in texts[0] and "loc(" not in texts[0]


def test_traces_are_told_apart() -> None:
    outside = trace_state()
    states = []
    jax.make_jaxpr(lambda x: states.append(trace_state()) or x)(1.0)
    assert outside == trace_state() and states[0] != outside


class Asked:
    """Something that JAX asks for an array."""

    @property
    def __jax_array__(self) -> Any:
        return (lambda: self) if asked_by_operator() else (lambda: jnp.ones(3))

    def __radd__(self, other: Any) -> str:
        return "ours"


def test_operators_of_jax_are_known_from_its_functions() -> None:
    assert jnp.ones(3) + Asked() == "ours"
    np.testing.assert_array_equal(jnp.concatenate([jnp.ones(3), Asked()]), jnp.ones(6))


def test_nothing_else_in_the_library_uses_what_jax_does_not_document() -> None:
    private = ("jax.extend", "jax._src", "jax.interpreters", "jaxlib.mlir", "_get_vars", ".eqns[")
    programs = ("jaxpr", "symbolic_dimensions", "traces", "recording")
    operations = ("bilinear", "stacking", "lookups", "quick_compilation", "fused_outputs")
    known = {SOURCE / "state" / f"{name}.py" for name in (*programs, *operations)}
    known.add(SOURCE / "ops" / "lowering" / "drawing.py")
    found = [
        (path.name, word)
        for path in SOURCE.rglob("*.py")
        for word in private
        if path not in known and word in path.read_text()
    ]
    assert not found


def test_the_stated_range_of_versions_holds_the_one_at_hand() -> None:
    text = (SOURCE.parents[1] / "pyproject.toml").read_text()
    [(low, high)] = re.findall(r'"jax>=([\d.]+),<([\d.]+)"', text)
    version = tuple(map(int, jax.__version__.split(".")[:2]))
    assert tuple(map(int, low.split("."))) <= version < tuple(map(int, high.split(".")))
