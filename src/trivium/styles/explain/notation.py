"""Notation: the symbols of a model's values and weights, and how numbers, shapes and arguments are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from trivium.graph import ReadVariable, SymbolicTensor
from trivium.state import Variable
from trivium.state.dtypes import is_float
from trivium.styles.explain.tape import Slot, Step, Tape

__all__ = ["Notation", "Weight", "at", "number", "plus", "words"]

_AUTOMATIC = re.compile(r"(input|input_layer|tensor)(_\d+)?")


def words(text: str) -> str:
    r"""Return words to be set as such in a formula.

    Example:
        >>> words("my_layer")
        '\\text{my\\_layer}'
    """
    return r"\text{" + re.sub(r"([_%&#$])", r"\\\1", re.sub(r"[\\{}^~]", " ", text)) + "}"


def number(value: Any) -> str:
    r"""Return a number as a formula has it.

    Example:
        >>> number(3), number(0.25), number(1e-07), number(-2.5e-9)
        ('3', '0.25', '10^{-7}', '-2.5 \\cdot 10^{-9}')
    """
    if isinstance(value, bool | np.bool_):
        return words(str(value))
    if isinstance(value, complex):
        return words(str(value))
    value = float(value)
    if np.isnan(value):
        return words("nan")
    if np.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    text = f"{value:.6g}"
    if "e" not in text:
        return text
    digits, exponent = text.split("e")
    power = f"10^{{{int(exponent)}}}"
    if digits in ("1", "-1"):
        return digits.replace("1", power)
    return rf"{digits} \cdot {power}"


def plus(*terms: str) -> str:
    """Return a sum of the terms that are there.

    Example:
        >>> plus("a", "", "b")
        'a + b'
    """
    return " + ".join(t for t in terms if t)


def at(symbol: str, *indices: str) -> str:
    r"""Return an element of an array.

    Example:
        >>> at("x", "i", "2")
        '\\left[x\\right]_{i,2}'
    """
    return rf"\left[{symbol}\right]_{{{','.join(indices)}}}"


class Weight:
    """A variable and its symbol.

    Args:
        variable: The variable.
        symbol: The symbol, in LaTeX.
        transposed: Whether the symbol stands for the matrix whose transpose the variable keeps.
    """

    def __init__(self, variable: Variable, symbol: str, transposed: bool) -> None:
        self.variable = variable
        self.symbol = symbol
        self.transposed = transposed

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what the symbol stands for."""
        shape = tuple(self.variable.shape)
        return shape[::-1] if self.transposed else shape

    def written(self, transposed: bool) -> str:
        """Return the symbol, with a sign of transposition where the other form is meant."""
        return self.symbol if transposed == self.transposed else self.symbol + r"^{\top}"


class Notation:
    """The symbols of one model: `x` comes in, `h` with the step's number is inside, `y` with a hat goes out.

    Whatever belongs to a layer has the number of the step that calls it first, so the index tells where a symbol comes
    from, and a gap in the numbers that a layer is shared.

    Args:
        tape: The model's steps.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.weights: dict[int, Weight] = {}
        self.functions: dict[str, str] = {}
        self.constants: dict[int, tuple[str, Step, str]] = {}
        self._letters: dict[str, str] = {}
        self._spare: Iterator[str] = iter("nmpqrstuvw")
        self._first: dict[int, int] = {}
        for step in tape.steps:
            self._first.setdefault(id(step.operation), step.number)
        batches = {s.tensor.dims[0] if s.tensor.dims else None for s in tape.inputs}
        self._batch = batches.pop() if len(batches) == 1 else None
        self._slots = self._name_slots()

    def _name_slots(self) -> dict[int, str]:
        names: dict[int, str] = {}
        several = len(self.tape.inputs) > 1
        for i, slot in enumerate(self.tape.inputs, 1):
            names[id(slot)] = f"x_{{{i}}}" if several else "x"
        outputs = list({id(s): s for s in self.tape.outputs}.values())
        for i, slot in enumerate(outputs, 1):
            names.setdefault(id(slot), rf"\hat{{y}}_{{{i}}}" if len(outputs) > 1 else r"\hat{y}")
        for step in self.tape.steps:
            for slot in step.outputs:
                mark = f"^{{({slot.index + 1})}}" if len(step.outputs) > 1 else ""
                names.setdefault(id(slot), f"h_{{{step.number}}}{mark}")
        return names

    # -- symbols ------------------------------------------------------------------------------------------------

    def slot(self, slot: Slot) -> str:
        """Return the symbol of a value; that of the variable, where a step only reads one."""
        if slot.step is not None and isinstance(slot.step.operation, ReadVariable):
            variable = slot.step.operation.variable
            return self.weight(variable, rf"\theta_{{{slot.step.number}}}").symbol
        return self._slots[id(slot)]

    def index(self, step: Step) -> int:
        """Return the number of a step's layer: that of the step which calls it first."""
        return self._first[id(step.operation)]

    def operator(self, step: Step) -> str:
        """Return the symbol of a step's layer as a function."""
        return f"L_{{{self.index(step)}}}"

    def weight(self, variable: Variable, symbol: str, transposed: bool = False) -> Weight:
        """Return a variable with its symbol, the given one where it has none yet."""
        return self.weights.setdefault(id(variable), Weight(variable, symbol, transposed))

    def target(self, place: int) -> str:
        """Return the symbol of the target of an output, by the output's place."""
        unique = list(dict.fromkeys(id(s) for s in self.tape.outputs))
        return f"y_{{{unique.index(id(self.tape.outputs[place])) + 1}}}" if len(unique) > 1 else "y"

    def input_name(self, slot: Slot) -> str:
        """Return the name that the user gave an input; nothing for automatic ones."""
        place = next(i for i, s in enumerate(self.tape.inputs) if s is slot)
        paths = jax.tree_util.tree_flatten_with_path(self.tape.graph.inputs)[0]
        key = paths[place][0][-1] if paths[place][0] else None
        name = str(key.key) if isinstance(key, jax.tree_util.DictKey) else slot.tensor.name
        return "" if _AUTOMATIC.fullmatch(name) else name

    # -- shapes -------------------------------------------------------------------------------------------------

    def sizes(self, tensor: SymbolicTensor) -> list[str]:
        """Return the sizes of one sample of a tensor."""
        return [self.size(d) for d in self.sample(tensor)]

    def sample(self, tensor: SymbolicTensor) -> tuple[Any, ...]:
        """Return the dimensions without that of the batch."""
        dims = tensor.dims
        return dims[1:] if self.has_batch(tensor) else dims

    def has_batch(self, tensor: SymbolicTensor) -> bool:
        """Say whether the first dimension counts samples."""
        return (
            bool(tensor.dims)
            and self._batch is not None
            and str(tensor.dims[0]) == str(self._batch)
        )

    def size(self, dim: Any) -> str:
        """Return a size: a number, or letters for one that is not known."""
        if isinstance(dim, int):
            return str(dim)
        text = str(dim)
        if str(self._batch) in re.findall(r"\w+", text):
            self._letters[str(self._batch)] = "N"
        if not re.fullmatch(r"[\w +*()-]+", text) or re.search(r"[a-z]+\(", text):
            return self._letter(text)
        return (
            re.sub(r"[a-z]\d*", lambda m: self._letter(m.group()), text)
            .replace("*", "")
            .replace(" ", "")
        )

    def _letter(self, unknown: str) -> str:
        if unknown not in self._letters:
            self._letters[unknown] = next(self._spare, f"n_{{{len(self._letters)}}}")
        return self._letters[unknown]

    def space(self, tensor: SymbolicTensor) -> str:
        """Return the set that one sample of a tensor lies in."""
        return _space(self.sizes(tensor), tensor.dtype)

    def weight_space(self, weight: Weight) -> str:
        """Return the set that a weight lies in."""
        return _space([str(n) for n in weight.shape], weight.variable.dtype)

    # -- arguments ----------------------------------------------------------------------------------------------

    def value(self, step: Step, value: Any) -> str:
        """Return an argument of a step: a symbol, a number, a word, or several of them."""
        if isinstance(value, SymbolicTensor):
            place = next(i for i, t in enumerate(step.node.inputs) if t is value)
            return self.slot(step.inputs[place])
        if isinstance(value, Variable):
            return self.weight(value, rf"\theta_{{{step.number}}}").written(False)
        if value is None or isinstance(value, str | type):
            return words(value if isinstance(value, str) else getattr(value, "__name__", "None"))
        if isinstance(value, bool | int | float | complex | np.generic):
            return number(value)
        if isinstance(value, slice):
            return ":".join("" if v is None else self.value(step, v) for v in _ends(value))
        if isinstance(value, list | tuple):
            return r"\left(" + ", ".join(self.value(step, v) for v in value) + r"\right)"
        if value is Ellipsis:
            return r"\ldots"
        if hasattr(value, "shape") and hasattr(value, "dtype"):
            return self._constant(step, value)
        if not isinstance(value, int) and re.fullmatch(r"[a-z]\d*( .*)?|.*[*+-].*", str(value)):
            return self.size(value)
        return words(getattr(value, "__name__", type(value).__name__))

    def _constant(self, step: Step, array: Any) -> str:
        """Return a number, or a symbol for an array of numbers that the model has as they are."""
        if array.ndim == 0:
            return number(np.asarray(array).item())
        mine = [symbol for symbol, owner, _ in self.constants.values() if owner is step]
        mark = f"^{{({len(mine) + 1})}}" if mine else ""
        space = _space([str(n) for n in array.shape], str(array.dtype))
        entry = self.constants.setdefault(id(array), (f"C_{{{step.number}}}{mark}", step, space))
        return entry[0]


def _ends(value: slice) -> list[Any]:
    ends = [value.start, value.stop]
    return [*ends, value.step] if value.step is not None else ends


def _space(sizes: list[str], dtype: str) -> str:
    letter = r"\mathbb{R}"
    if dtype == "bool":
        letter = r"\{0, 1\}"
    elif dtype.startswith("complex"):
        letter = r"\mathbb{C}"
    elif not is_float(dtype):
        letter = r"\mathbb{Z}"
    parts = [f"({s})" if re.search(r"[+-]", s) else s for s in sizes]
    return letter + (r"^{" + r"\times ".join(parts) + "}" if parts else "")
