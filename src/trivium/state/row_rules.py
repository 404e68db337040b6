"""What an operation makes of rows that are apart: a rule for each operation that can leave them so.

`row_independence` follows a program with them. A rule is asked only where an operand has rows, or where the sizes of
results differ between the two programs; what it says is held against these sizes before it is believed.

Reference:
    https://docs.jax.dev/en/latest/jax.lax.html (what the operations do)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

__all__ = ["MIXED", "RULES", "Differs", "Line", "Rows", "State", "equal", "uses_of_kernel"]


class Rows(NamedTuple):
    """Where the rows are in a value of which each row follows from the same row of the data, and from no other.

    Args:
        axis: The axis of the rows.
        each: How many places in a row on that axis belong to one row: `(b, t, f)` becomes `(b*t, f)` with `t` for each.
    """

    axis: int
    each: int = 1


MIXED = "mixed"
# `None` is what follows from no row, and so is the same whatever the data.
State: TypeAlias = Rows | str | None


class Differs(Exception):
    """The two programs are of different form."""


class Line(NamedTuple):
    """One operation, as it is in the two programs.

    Attributes:
        states: What is known of its operands.
        params: Its settings in both.
        operands: Its operands' shapes in the first.
        results: Its results' shapes in both.
        sizes: The two numbers of rows.
    """

    states: list[State]
    params: tuple[dict[str, Any], dict[str, Any]]
    operands: list[tuple[int, ...]]
    results: tuple[list[tuple[int, ...]], list[tuple[int, ...]]]
    sizes: tuple[int, int]

    @property
    def first(self) -> Rows:
        """The first operand's rows."""
        state = self.states[0]
        if not isinstance(state, Rows):
            raise Differs
        return state

    def same(self, but: Iterable[str] = ()) -> bool:
        """Say whether the settings are the same in both, some left out."""
        one, two = self.params
        return all(equal(one[k], two[k]) for k in one.keys() - {*but})

    def growing(self) -> int:
        """Return the one axis of the result on which the two programs differ, -1 where it is not one."""
        one, two = (shapes[0] for shapes in self.results)
        if len(one) != len(two):
            raise Differs
        found = [i for i, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]
        return found[0] if len(found) == 1 else -1


_Rule: TypeAlias = Callable[[Line], "State | list[State]"]


_NUMBERS = (bool, int, float, complex, np.ndarray, np.generic, jax.Array)


def equal(one: Any, two: Any) -> bool:
    """Say whether two settings, or numbers, are the same, to the bit; of what cannot be compared, that they are not."""
    if one is two:
        return True
    try:
        if isinstance(one, _NUMBERS) and isinstance(two, _NUMBERS):
            a, b = np.asarray(one), np.asarray(two)
            return (a.shape, a.dtype) == (b.shape, b.dtype) and a.tobytes() == b.tobytes()
        return bool(one == two)
    except (TypeError, ValueError):
        return False


# -- the rules --------------------------------------------------------------------------------------------------


def _elementwise(line: Line) -> State:
    """Numbers at the same place, or of operands with one place there, which are the same for all rows."""
    rank = len(line.results[0][0])
    if any(len(shape) not in (0, rank) for shape in line.operands):
        return MIXED
    found = {state for state in line.states if state is not None}
    return found.pop() if len(found) == 1 and line.same() else MIXED


def _apart(line: Line) -> list[State]:
    """Each result is of its own operand alone."""
    return list(line.states)


def _over(name: str, moves: bool) -> _Rule:
    """Return the rule of what works along other axes than the rows, all operands alike; it may take these axes away."""

    def rule(line: Line) -> list[State]:
        rows, axes = line.first, line.params[0][name]
        axes = axes if isinstance(axes, tuple) else (axes,)
        alike = all(s == rows for s in line.states) and line.same()
        if not alike or rows.axis in axes or min(axes, default=0) < 0:
            return [MIXED] * len(line.results[0])
        gone = sum(a < rows.axis for a in axes) if moves else 0
        return [rows._replace(axis=rows.axis - gone)] * len(line.results[0])

    return rule


def _stack(line: Line) -> State:
    rows, axis = line.first, line.params[0]["axis"]
    if any(s != rows for s in line.states) or not line.same():
        return MIXED
    return rows._replace(axis=rows.axis + (axis <= rows.axis))


def _broadcast(line: Line) -> State:
    axes, state = line.params[0]["broadcast_dimensions"], line.states[0]
    if not line.same({"shape"}):
        return MIXED
    if isinstance(state, Rows):
        return state._replace(axis=axes[state.axis])
    # What is repeated for each row is the same in each.
    grown = line.growing()
    repeated = grown not in axes or line.operands[0][axes.index(grown)] == 1
    return _rows_at(grown, line) if repeated else MIXED


def _iota(line: Line) -> State:
    grown = line.growing()
    counted = line.params[0]["dimension"] == grown
    return _rows_at(grown, line) if line.same({"shape"}) and not counted else MIXED


def _rows_at(axis: int, line: Line) -> State:
    return MIXED if axis < 0 else Rows(axis, line.results[0][0][axis] // line.sizes[0])


def _reshape(line: Line) -> State:
    """Places in a row stay in their order, so what belongs to a row stays together where as much lies before it."""
    rows, grown, shape = line.first, line.growing(), line.results[0][0]
    before = math.prod(line.operands[0][: rows.axis])
    kept = grown >= 0 and math.prod(shape[:grown]) == before
    plain = line.params[0]["dimensions"] is None and line.same({"new_sizes"})
    return _rows_at(grown, line) if kept and plain else MIXED


def _squeeze(line: Line) -> State:
    gone = line.params[0]["dimensions"]
    axis = line.first.axis
    good = axis not in gone and line.same()
    return line.first._replace(axis=axis - sum(a < axis for a in gone)) if good else MIXED


def _transpose(line: Line) -> State:
    order = tuple(line.params[0]["permutation"])
    return line.first._replace(axis=order.index(line.first.axis)) if line.same() else MIXED


def _whole_at(line: Line, settings: dict[str, Any]) -> bool:
    """Say whether settings that are given axis by axis have these values at the rows, and are the same elsewhere."""
    axis = line.first.axis
    for name, wanted in settings.items():
        one, two = (p[name] for p in line.params)
        if one is None and two is None and wanted == 1:
            continue
        good = one is not None and two is not None and len(one) == len(two)
        if not good or not equal([*one[:axis], *one[axis + 1 :]], [*two[:axis], *two[axis + 1 :]]):
            return False
        here = one[axis], two[axis]
        sizes = tuple(n * line.first.each for n in line.sizes)
        if here != (sizes if wanted == "all" else (wanted, wanted)):
            return False
    return line.same(settings)


def _slice(line: Line) -> State:
    whole = {"start_indices": 0, "limit_indices": "all", "strides": 1}
    return line.first if _whole_at(line, whole) else MIXED


def _dynamic_slice(line: Line) -> State:
    # The start is moved so that the slice fits: to 0 where it is the whole.
    still = not any(line.states[1:])
    return line.first if still and _whole_at(line, {"slice_sizes": "all"}) else MIXED


def _dynamic_update(line: Line) -> State:
    # All rows of the one in all rows of the other: else the shapes of one of them would not grow.
    still = line.states[1] == line.first and not any(line.states[2:])
    return line.first if still and line.same() else MIXED


def _tile(line: Line) -> State:
    return line.first if _whole_at(line, {"reps": 1}) else MIXED


def _pad(line: Line) -> State:
    still = line.states[1] is None
    return line.first if still and _whole_at(line, {"padding_config": (0, 0, 0)}) else MIXED


def _window(line: Line) -> State:
    plain = dict.fromkeys(
        ("window_dimensions", "window_strides", "base_dilation", "window_dilation"), 1
    )
    return line.first if _whole_at(line, plain | {"padding": (0, 0)}) else MIXED


def _dot(line: Line) -> State:
    (contracted, batched) = line.params[0]["dimension_numbers"]
    if not line.same():
        return MIXED
    if all(isinstance(s, Rows) for s in line.states):
        one, two = line.states
        pairs = list(zip(*batched, strict=True))
        # Each row of the one with the same row of the other, and no other.
        if (one.axis, two.axis) in pairs and one.each == two.each:  # type: ignore[union-attr]
            return Rows(pairs.index((one.axis, two.axis)), one.each)  # type: ignore[union-attr]
        return MIXED
    side = 0 if line.states[1] is None else 1
    rows, place = line.states[side], len(batched[0])
    free = [
        [i for i in range(len(shape)) if i not in contracted[s] and i not in batched[s]]
        for s, shape in enumerate(line.operands)
    ]
    if not isinstance(rows, Rows) or rows.axis not in free[side]:
        return MIXED
    return rows._replace(axis=place + side * len(free[0]) + free[side].index(rows.axis))


def _convolution(line: Line) -> State:
    params = line.params[0]
    numbers, rows = params["dimension_numbers"], line.first
    good = rows.axis == numbers.lhs_spec[0] and line.states[1] is None
    good = good and params["batch_group_count"] == 1 and line.same()
    return rows._replace(axis=numbers.out_spec[0]) if good else MIXED


def _gather(line: Line) -> State:
    numbers, (operand, index) = line.params[0]["dimension_numbers"], line.states
    rank = len(line.results[0][0])
    looked_up = [i for i in range(rank) if i not in numbers.offset_dims]
    if index is None:
        # Other axes are looked up, and the rows go along.
        rows, gone = line.first, (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
        if rows.axis in (*gone, *numbers.start_index_map) or not _whole_at(
            line, {"slice_sizes": "all"}
        ):
            return MIXED
        kept = [i for i in range(len(line.operands[0])) if i not in gone]
        return rows._replace(axis=numbers.offset_dims[kept.index(rows.axis)])
    # What is promised of a batch's places need not hold for those of another number of rows.
    promised = line.params[0]["indices_are_sorted"] or line.params[0]["unique_indices"]
    if not isinstance(index, Rows) or index.axis >= len(looked_up) or promised or not line.same():
        return MIXED
    if operand is not None:
        pairs = zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True)
        alike = isinstance(operand, Rows) and operand.each == index.each
        if not alike or (line.first.axis, index.axis) not in pairs:
            return MIXED
    return index._replace(axis=looked_up[index.axis])


def uses_of_kernel(name: str, line: Line) -> tuple[int, int]:
    """Return how many numbers the kernel of a product has, and how often a row takes each; zeros of other operations.

    Args:
        name: The operation.
        line: The operation in the two programs.
    """
    if name not in ("dot_general", "conv_general_dilated") or (
        (line.states[0] is None) == (line.states[1] is None)
    ):
        return 0, 0
    side = 0 if line.states[0] is None else 1
    kernel: tuple[int, ...] = line.operands[side]
    numbers: Any = line.params[0]["dimension_numbers"]
    if name == "dot_general":
        contracted = math.prod(kernel[i] for i in numbers[0][side])
    else:
        features = kernel[numbers.rhs_spec[0]]
        contracted = math.prod(kernel) // max(1, features)
    size = math.prod(kernel)
    done = math.prod(line.results[0][0]) * contracted // line.sizes[0]
    return size, done // max(1, size)


_ELEMENTWISE = (
    "abs acos acosh add add_any and asin asinh atan atan2 atanh cbrt ceil clamp clz complex conj "
    "convert_element_type copy copy_p cos cosh digamma div eq eq_to erf erf_inv erfc exp exp2 expm1 floor ge gt "
    "igamma igammac imag integer_pow is_finite le le_to lgamma log log1p logistic lt lt_to max min mul name ne neg "
    "nextafter not or population_count pow real reduce_precision rem round rsqrt select_n shift_left "
    "shift_right_arithmetic shift_right_logical sign sin sinh sqrt square stop_gradient sub tan tanh xor"
)
RULES: dict[str, _Rule] = {
    **dict.fromkeys(_ELEMENTWISE.split(), _elementwise),
    **dict.fromkeys(
        ("reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or",
         "reduce_xor", "argmax", "argmin"), _over("axes", True),
    ),
    **dict.fromkeys(
        ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp", "top_k"), _over("axis", False)
    ),
    **dict.fromkeys(("sort", "concatenate"), _over("dimension", False)),
    **dict.fromkeys(("reduce_window_sum", "reduce_window_max", "reduce_window_min"), _window),
    "rev": _over("dimensions", False), "split": _over("axis", False), "tile": _tile,
    "unstack": _over("axis", True), "stack": _stack, "optimization_barrier": _apart,
    "broadcast_in_dim": _broadcast, "iota": _iota, "reshape": _reshape, "squeeze": _squeeze,
    "transpose": _transpose, "slice": _slice, "dynamic_slice": _dynamic_slice, "pad": _pad,
    "dynamic_update_slice": _dynamic_update, "dot_general": _dot, "gather": _gather,
    "conv_general_dilated": _convolution,
}  # fmt: skip
