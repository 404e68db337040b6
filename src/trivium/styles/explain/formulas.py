"""Formulas: the registry of what each layer, op and function computes, and what a formula is written with."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import jax

from trivium.graph import SymbolicTensor
from trivium.layers import Layer
from trivium.layers.kernels import KernelLayer
from trivium.models import Model
from trivium.state import Variable
from trivium.styles.explain.notation import Notation, number, words
from trivium.styles.explain.plain import to_text
from trivium.styles.explain.tape import Step

__all__ = [
    "Call",
    "Formula",
    "Function",
    "formula_of",
    "function_of",
    "register_formula",
    "register_function",
]

Rule = Callable[["Call"], str]
_RULES: dict[Any, Rule] = {}
_FUNCTIONS: dict[Any, Function] = {}


@dataclasses.dataclass(frozen=True)
class Function:
    r"""A function of one variable `z` that formulas name.

    Args:
        name: What it is called.
        definition: What it is, as a formula of `z`.
        elementwise: Whether each number of the result depends on one number of the argument.
        jacobian: Its Jacobian matrix at `z`, where it is not elementwise and worth writing down; `{f}` is its value.
    """

    name: str
    definition: str = ""
    elementwise: bool = True
    jacobian: str = ""


@dataclasses.dataclass
class Formula:
    """What a step computes.

    Args:
        expression: The right-hand side of its equation, in LaTeX.
        where: Further equations that say what stands in it.
        notes: What it takes words to say.
        jacobians: Derivatives of the step's output with respect to its inputs, by the inputs' symbols.
        backward: The derivatives of one sample's loss with respect to weights, by the weights' symbols, in terms of a
            delta; and what the delta is, as the factor behind the derivative with respect to the output, under `""`.
    """

    expression: str
    where: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    jacobians: dict[str, str] = dataclasses.field(default_factory=dict)
    backward: dict[str, str] = dataclasses.field(default_factory=dict)


def register_formula(*targets: Any) -> Callable[[Rule], Rule]:
    r"""Say what layers or ops of yours compute, so that `explain` writes it.

    A layer may have a method `formula(self, call)` instead.

    Args:
        targets: Layer classes, ops or losses.

    Returns:
        A decorator for a function that is given a `Call` and returns LaTeX.

    Example:
        >>> import trivium as tv
        >>> class Scale(tv.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> @register_formula(Scale)
        ... def scale(call):
        ...     return rf"{call.weight('factor', 's')} \odot {call.x}"
        >>> from trivium.styles.explain import explain
        >>> explain(tv.Sequential([tv.Input((3,)), Scale()])).equations[1]
        '\\hat{y} = s_{1} \\odot x \\in \\mathbb{R}^{3}'
    """

    def register(rule: Rule) -> Rule:
        for target in targets:
            _RULES[target] = rule
        return rule

    return register


def register_function(function: Any, *args: Any, **kwargs: Any) -> None:
    r"""Say what an activation function of yours is.

    Args:
        function: The function.
        args: Its name and definition, as for `Function`.
        kwargs: Likewise.

    Example:
        >>> def double(z):
        ...     return 2 * z
        >>> register_function(double, "double", "2 z")
        >>> function_of(double).definition
        '2 z'
    """
    _FUNCTIONS[function] = Function(*args, **kwargs)


def function_of(function: Any) -> Function:
    """Return what is known of an activation function; at least a name.

    Example:
        >>> import trivium as tv
        >>> function_of(tv.activations.relu).name
        'ReLU'
    """
    known = _FUNCTIONS.get(function)
    if known is not None:
        return known
    name = getattr(function, "name", None) or getattr(function, "__name__", type(function).__name__)
    return Function("f" if name == "<lambda>" else str(name), elementwise=False)


class Call:
    """One call, as the rule for its formula sees it.

    Args:
        step: The step of the tape.
        notation: The symbols of the model.
    """

    def __init__(self, step: Step, notation: Notation) -> None:
        self.step = step
        self.notation = notation
        # A formula knows which class of layer it is for, and asks it for its settings.
        self.layer: Any = step.operation
        self.result = Formula("")

    @property
    def inputs(self) -> list[str]:
        """The symbols of what comes in, masks left out."""
        return [self.notation.slot(s) for s in self.data]

    @property
    def data(self) -> list[Any]:
        """What comes in, masks left out."""
        return [slot for slot in self.step.inputs if slot not in self._masks]

    @property
    def masks(self) -> list[str]:
        """The symbols of the masks that come in: which steps of a sequence count."""
        return [self.notation.slot(s) for s in self._masks]

    @property
    def _masks(self) -> list[Any]:
        said = self.step.node.kwargs.items()
        given = [v for k, v in said if k == "mask" or k.endswith("_mask")]
        masks = {id(leaf) for leaf in jax.tree_util.tree_leaves(given)}
        pairs = zip(self.step.node.inputs, self.step.inputs, strict=True)
        return [slot for tensor, slot in pairs if id(tensor) in masks]

    @property
    def x(self) -> str:
        """The symbol of the first thing that comes in."""
        return self.inputs[0] if self.data else ""

    @property
    def y(self) -> str:
        """The symbol of the first thing that goes out."""
        return self.notation.slot(self.step.outputs[0])

    @property
    def index(self) -> int:
        """The number of the layer."""
        return self.notation.index(self.step)

    @property
    def in_sizes(self) -> list[Any]:
        """The sizes of one sample of what comes in: numbers, or symbols for those that are not known."""
        return list(self.notation.sample(self.data[0].tensor))

    @property
    def out_sizes(self) -> list[Any]:
        """The sizes of one sample of what goes out."""
        return list(self.notation.sample(self.step.outputs[0].tensor))

    @property
    def keeps_shape(self) -> bool:
        """Whether all that comes in is different, and of the shape of what goes out."""
        slots = [*self.data, self.step.outputs[0]]
        shapes = {tuple(map(str, slot.tensor.dims)) for slot in slots}
        return len(shapes) == 1 and len(set(self.inputs)) == len(self.inputs)

    def weight(self, name: str, symbol: str, transposed: bool = False) -> str:
        """Return the symbol of one of the layer's weights; nothing where it has none of that name.

        Args:
            name: The attribute that holds it.
            symbol: What to call it, e.g. `"W"`; it gets the layer's number as an index. A `#` says where to put the
                number, if not at the end.
            transposed: Whether the formula is about its transpose.
        """
        variable = getattr(self.layer, name, None)
        if not isinstance(variable, Variable):
            return ""
        index = f"_{{{self.index}}}"
        named = symbol.replace("#", index) if "#" in symbol else symbol + index
        return self.notation.weight(variable, named, transposed).written(transposed)

    def argument(self, name: str) -> str:
        """Return an argument of an op by its name."""
        return self.notation.value(self.step, self.arguments[name])

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of an op by their names, defaults included."""
        function = inspect.unwrap(self.step.operation)
        bound = inspect.signature(function).bind(*self.step.node.args, **self.step.node.kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)

    def apply(self, function: Any, argument: str, **settings: Any) -> str:
        """Return a function of an argument, and put its definition into the list of functions.

        Args:
            function: An activation function.
            argument: What it is applied to, in LaTeX.
            settings: Settings that differ from its defaults, to be written as an index.
        """
        known = function_of(function)
        if not known.name:
            return argument
        if known.definition:
            self.notation.functions.setdefault(known.name, known.definition)
        index = ", ".join(
            f"{k}={number(v)}" if isinstance(v, int | float) else f"{k}"
            for k, v in settings.items()
        )
        mark = f"_{{{words(index)}}}" if index else ""
        name = (
            known.name if known.name.startswith("\\") else rf"\operatorname{{{_plain(known.name)}}}"
        )
        return rf"{name}{mark}\left({argument}\right)"

    def derivative(self, function: Any, argument: str) -> str:
        """Return the Jacobian matrix of an activation function at an argument; nothing where none is known."""
        known = function_of(function)
        name = (
            known.name if known.name.startswith("\\") else rf"\operatorname{{{_plain(known.name)}}}"
        )
        if known.jacobian:
            return known.jacobian.replace("{f}", self.y)
        if known.elementwise:
            return rf"\operatorname{{diag}}\left({name}'\left({argument}\right)\right)"
        return ""

    def where(self, latex: str) -> None:
        """Add an equation that says what stands in the formula."""
        self.result.where.append(latex)

    def note(self, text: str) -> None:
        """Add what it takes words to say."""
        self.result.notes.append(text)

    def jacobian(self, latex: str, symbol: str | None = None) -> None:
        """Say what the derivative of the output with respect to an input is.

        Args:
            latex: The Jacobian matrix.
            symbol: The input's symbol; the first one's where it is `None`.
        """
        if latex:
            self.result.jacobians[self.x if symbol is None else symbol] = latex


def formula_of(step: Step, notation: Notation) -> Formula:
    """Return what a step computes.

    Args:
        step: The step.
        notation: The symbols of the model that it belongs to.

    Example:
        >>> import trivium as tv
        >>> from trivium.styles.explain.tape import Tape
        >>> tape = Tape(tv.Sequential([tv.Input((4,)), tv.layers.Dense(3)]))
        >>> formula_of(tape.steps[0], Notation(tape)).expression
        'W_{1} x + b_{1}'
    """
    if step.is_read:
        return Formula(notation.slot(step.outputs[0]))
    call = Call(step, notation)
    call.result.expression = (_rule(step.operation) or _generic)(call)
    if call.masks and not any(m in call.result.expression for m in call.masks):
        call.note(f"where {' and '.join(map(to_text, call.masks))} is 1")
    return call.result


def _rule(operation: Any) -> Rule | None:
    """Find the rule for a layer by its class, as long as no subclass has another `call`; for an op by itself."""
    if isinstance(operation, Layer):
        own = getattr(type(operation), "formula", None)
        if callable(own):
            return lambda call: str(operation.formula(call))
        if isinstance(operation, KernelLayer) and not operation.is_plain:
            return None
        for cls in type(operation).__mro__:
            if cls in _RULES:
                return _RULES[cls] if type(operation).call is getattr(cls, "call", None) else None
        return _model if isinstance(operation, Model) else None
    rule = _RULES.get(operation) if operation.__hash__ is not None else None
    if rule is not None:
        return rule
    if any(cls in _RULES for cls in type(operation).__mro__):
        return next(_RULES[cls] for cls in type(operation).__mro__ if cls in _RULES)
    return _named if getattr(operation, "is_op", False) else None


def _model(call: Call) -> str:
    call.note("a model inside; `expand_nested=True` takes it apart")
    return _applied(call, rf"L_{{{call.index}}}")


def _generic(call: Call) -> str:
    """Write a layer of the user's as a function with its weights as parameters."""
    symbols = [
        call.notation.weight(v, rf"\theta_{{{call.index}}}^{{({i})}}").written(False)
        for i, v in enumerate(getattr(call.layer, "weights", call.step.touched), 1)
    ]
    return _applied(call, rf"f_{{{call.index}}}", symbols)


def _applied(call: Call, name: str, parameters: list[str] | None = None) -> str:
    tail = ";\\, " + ", ".join(parameters) if parameters else ""
    return rf"{name}\left({', '.join(call.inputs)}{tail}\right)"


def _named(call: Call) -> str:
    """Write an op by its name and its arguments, as a program would."""
    function = inspect.unwrap(call.step.operation)
    try:
        parameters = inspect.signature(function).parameters
        arguments = call.arguments
    except (TypeError, ValueError):
        return _applied(call, rf"\operatorname{{{_plain(call.step.node.name)}}}")
    parts = []
    for name, value in arguments.items():
        default = parameters[name].default
        if parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            parts += [call.notation.value(call.step, v) for v in value]
        elif parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            parts += [f"{words(k)} = {call.notation.value(call.step, v)}" for k, v in value.items()]
        elif _holds_tensor(value) or default is inspect.Parameter.empty:
            parts.append(call.notation.value(call.step, value))
        elif value is not default and not (_plain_value(value) and value == default):
            parts.append(f"{words(name)} = {call.notation.value(call.step, value)}")
    return rf"\operatorname{{{_plain(function.__name__)}}}\left({', '.join(parts)}\right)"


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_tensor(v) for v in value)
    return isinstance(value, SymbolicTensor | Variable)


def _plain_value(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | tuple)


def _plain(name: str) -> str:
    return name.replace("_", r"\_") if "\\" not in name else name
