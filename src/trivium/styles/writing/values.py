"""Values as Python text: settings, constants, slices, functions, and the calls that make objects."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any

import numpy as np

from trivium import (
    activations,
    constraints,
    dtype_policies,
    initializers,
    layers,
    metrics,
    ops,
    quantizers,
    random,
    regularizers,
)
from trivium.layers.base import Layer
from trivium.layers.preprocessing.adapting import Adaptive
from trivium.models.traced import JaxCode
from trivium.state import DTypePolicy, custom_object_scope, to_snake_case
from trivium.state.dtype_policies import get_policy
from trivium.state.registry import known_class, named_function
from trivium.styles.modes import StyleError

__all__ = ["MODULES", "Expression", "Values"]

# What a program may take from the library, by the name under which it imports it.
MODULES = {
    "layers": layers,
    "ops": ops,
    "ops.image": ops.image,
    "activations": activations,
    "initializers": initializers,
    "regularizers": regularizers,
    "constraints": constraints,
    "random": random,
    "metrics": metrics,
    "dtype_policies": dtype_policies,
    "quantizers": quantizers,
}
# How many numbers and how many words are still a program that somebody reads.
_LONGEST_CONSTANT = 1000
_LONGEST_VOCABULARY = 100


@dataclass
class Expression:
    """A call as text: what is called, its arguments, and what stands after it.

    Args:
        head: What is called.
        arguments: Pairs of a name, or `None` for an argument by position, and a text.
        tail: What follows the closing parenthesis.

    Example:
        >>> str(Expression("layers.Dense", [(None, "10"), ("activation", "'relu'")], "(x)"))
        "layers.Dense(10, activation='relu')(x)"
    """

    head: str
    arguments: list[tuple[str | None, str]] = field(default_factory=list)
    tail: str = ""

    def texts(self) -> list[str]:
        """Return the arguments, each as it stands between commas."""
        return [text if name is None else f"{name}={text}" for name, text in self.arguments]

    def __str__(self) -> str:
        return f"{self.head}({', '.join(self.texts())}){self.tail}"


class Values:
    """Writes values as text, and remembers what the text needs to be imported.

    Args:
        bind: What to do with a value that has no text: gives it a name. Without, such a value is refused.

    Example:
        >>> values = Values()
        >>> values.text([1, None, slice(0, 2)]), values.text(ops.relu), sorted(values.names)
        ('[1, None, slice(0, 2)]', 'ops.relu', ['ops'])
    """

    def __init__(self, bind: Callable[[Any], str] | None = None) -> None:
        self.names: set[str] = set()  # of the library's public modules and classes
        self.imports: set[str] = set()  # whole lines
        self.own: set[str] = set()  # what only the user's running program has
        self.notes: list[str] = []  # what the program lacks
        self.bind = bind
        # Layers inside of the one that is written which have learned something, by their names: a config lacks that.
        self._inside: dict[str, Adaptive] = {}

    def text(self, value: Any) -> str:
        """Return a value's text.

        Raises:
            StyleError: No text makes such a value.
        """
        if isinstance(value, list | tuple):
            parts = [self.text(v) for v in value]
            if isinstance(value, list):
                return f"[{', '.join(parts)}]"
            return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
        if isinstance(value, dict):
            if "class_name" in value and "config" in value:
                return self._configured(value)
            return (
                "{" + ", ".join(f"{self.text(k)}: {self.text(v)}" for k, v in value.items()) + "}"
            )
        if value is None or isinstance(value, bool | int | str | bytes | complex | EllipsisType):
            return (
                "..." if value is ... else _quoted(value) if isinstance(value, str) else repr(value)
            )
        if isinstance(value, float):
            return repr(value) if np.isfinite(value) else f"float({str(value)!r})"
        if isinstance(value, slice):
            bounds = [value.start, value.stop] + ([] if value.step is None else [value.step])
            return f"slice({', '.join(self.text(b) for b in bounds)})"
        if isinstance(value, DTypePolicy) and get_policy(value.name) == value:
            return _quoted(value.name)
        if (
            isinstance(value, np.ndarray | np.generic)
            or hasattr(value, "__jax_array__")
            or _is_jax(value)
        ):
            return self._array(np.asarray(value), value)
        if isinstance(value, type | np.dtype) and not _is_class(value):
            return _quoted(np.dtype(value).name)
        if callable(value) and hasattr(value, "__name__"):
            return self.reference(value)
        return self._unwritable(value)

    def index(self, key: Any) -> str:
        """Return the text between brackets that `key` stands for.

        Example:
            >>> Values().index((slice(None), slice(1, None, 2), None, 0))
            ':, 1::2, None, 0'
        """
        parts = key if isinstance(key, tuple) and key else (key,)
        return ", ".join(self._slice(p) if isinstance(p, slice) else self.text(p) for p in parts)

    def _slice(self, part: slice) -> str:
        start, stop, step = (
            "" if b is None else self.text(b) for b in (part.start, part.stop, part.step)
        )
        return f"{start}:{stop}" + (f":{step}" if step else "")

    def reference(self, thing: Any) -> str:
        """Return the name of a function or class, and note where it comes from."""
        name = thing.__name__
        for module, members in MODULES.items():
            if getattr(members, name, None) is thing and name in members.__all__:
                self.names.add(module.partition(".")[0])
                return f"{module}.{name}"
        if self.bind is not None:
            return self.bind(thing)
        if isinstance(thing, JaxCode):
            raise StyleError(
                f"{thing.location}: this line uses JAX directly (`{thing.name}`), and no program can be written from "
                "what JAX made of it. Functions of `trivium.ops` can be written."
            )
        home, path = getattr(thing, "__module__", None), getattr(thing, "__qualname__", name)
        if name == "<lambda>" or home is None:
            return self._unwritable(thing)
        if home == "builtins":
            return str(name)
        if home == "__main__" or "<locals>" in path:
            self.own.add(name)
        else:
            self.imports.add(f"from {home} import {path.partition('.')[0]}")
        return str(path if "<locals>" not in path else name)

    def construct(self, thing: Any) -> Expression:
        """Return the call that makes an object like `thing`: its class, and the arguments that differ from the default.

        Args:
            thing: A layer, or another object with `get_config`.

        Raises:
            StyleError: Its config cannot be had.
        """
        try:
            config = thing.get_config()
        except (NotImplementedError, ValueError) as error:
            raise StyleError(
                f"The source of {getattr(thing, 'name', thing)!r} cannot be written: {error}"
            ) from error
        if not isinstance(thing, Layer):
            return self._call(type(thing), config, set())
        if isinstance(thing, Adaptive):
            self._add_learned(thing, config)
        inside = thing._flatten_layers(include_self=False)
        times = Counter(layer.name for layer in inside)
        self._inside = {a.name: a for a in inside if isinstance(a, Adaptive) and times[a.name] == 1}
        with custom_object_scope(thing._classes_inside()):
            return self._call(type(thing), config, {"name"} if thing._named_by_itself else set())

    def _add_learned(self, layer: Adaptive, config: dict[str, Any], nested: bool = False) -> None:
        """Add a vocabulary that a layer has learned to its config, or say whence a longer one comes."""
        learned = layer.learned_arguments()
        count = len(learned.get("vocabulary", ()))
        if count > _LONGEST_VOCABULARY:
            name = _quoted(layer.name)
            self.notes.append(f"# {layer.name} has learned {count} terms, too many to write.")
            if "idf_weights" in learned or nested:
                self.notes[-1] += " They are in the file of the model."
                return
            self.notes += [
                "# They are in the file of the model:",
                f"# terms = load_model(FILE).get_layer({name}).get_vocabulary(include_special_tokens=False)",
                f"# model.get_layer({name}).set_vocabulary(terms)",
            ]
            return
        config.update(learned)
        if config.get("vocabulary") is not None:
            config.pop("vocabulary_size", None)  # It follows.

    def _call(
        self, cls: Any, config: dict[str, Any], leave: set[str], positional: int = 0
    ) -> Expression:
        needed = [p.name for p in _parameters(cls) if p.default is p.empty and p.name in config]
        usual = _usual_config(cls, {k: config[k] for k in needed})
        arguments: list[tuple[str | None, str]] = [
            (None, self.text(_compact(cls, config, k))) for k in needed
        ]
        order = {p.name: i for i, p in enumerate(_parameters(cls))}
        for key in sorted(config, key=lambda k: order.get(k, len(order))):
            if key in needed or key in leave or (key in usual and _same(usual[key], config[key])):
                continue
            first = len(arguments) == order.get(key) and order[key] < positional
            arguments.append((None if first else key, self.text(_compact(cls, config, key))))
        names = set(self.names)
        head = self.reference(cls)
        if positional:  # A short name may take the place of the call.
            self.names = names
        return Expression(head, arguments)

    def _configured(self, config: dict[str, Any]) -> str:
        """Write an object from the config that another object's config holds for it."""
        name, inner = config["class_name"], config["config"]
        layer = self._inside.get(str(inner.get("name"))) if isinstance(inner, dict) else None
        if layer is not None and type(layer).__name__ == name:
            inner = dict(inner)
            self._add_learned(layer, inner, nested=True)
        if name == "Sequential":  # A stack among a layer's arguments.
            self.names.add(name)
            stack = ", ".join(map(self._configured, inner["layers"]))
            return f"Sequential([{stack}], name={_quoted(inner['name'])})"
        if name == "function":
            known = named_function(config)
            return self.text(inner) if known is None else self.reference(known)
        if name.endswith("DTypePolicy"):
            policy = get_policy(config)
            if get_policy(policy.name) == policy:
                return _quoted(policy.name)
        for module, members in MODULES.items():
            cls = getattr(members, name, None)
            if cls is None or config.get("registered_name") is not None:
                continue
            call = self._call(cls, inner, set(), positional=1)
            alias = to_snake_case(name)
            known = not call.arguments and module in ("initializers", "regularizers", "constraints")
            if known and type(members.get(alias)) is cls:  # `"he_normal"` for `HeNormal()`
                return _quoted(alias)
            self.reference(cls)
            return str(call)
        cls = known_class(config)
        if cls is None:
            return self._unwritable(config)
        return str(self._call(cls, inner, set()))

    def _array(self, array: np.ndarray, value: Any) -> str:
        if self.bind is not None:
            return self.bind(value)
        if array.size > _LONGEST_CONSTANT:
            raise StyleError(
                f"The model holds a constant array of shape {array.shape}: {array.size} numbers are too many to write "
                "into a program. Make it a weight (`add_weight`), which goes into a file of weights."
            )
        self.imports.add("import numpy as np")
        if array.ndim == 0:
            return f"np.{array.dtype.name}({array.item()!r})"
        return f"np.array({array.tolist()!r}, {_quoted(array.dtype.name)})"

    def _unwritable(self, value: Any) -> str:
        if self.bind is not None:
            return self.bind(value)
        what = (
            "a function without a name"
            if getattr(value, "__name__", "") == "<lambda>"
            else repr(value)
        )
        raise StyleError(
            f"The model holds {what}, and no line of a program makes that from what is known. Give it a name in a "
            "module (`def f(x): ...`), or make it a layer with `get_config`."
        )


def _quoted(text: str) -> str:
    plain = repr(text)
    return f'"{text}"' if plain[1:-1] == text and '"' not in text else plain


def _is_class(value: Any) -> bool:
    return isinstance(value, type) and not issubclass(value, np.generic | int | float | bool)


def _is_jax(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("jax", "jaxlib") and hasattr(value, "dtype")


def _parameters(cls: Any) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p for p in inspect.signature(cls).parameters.values() if p.kind in kinds]


def _usual_config(cls: Any, needed: dict[str, Any]) -> dict[str, Any]:
    """Return the config of an object made with nothing but the arguments that it must have."""
    named = {"name": "usual"} if issubclass(cls, Layer) else {}
    try:
        return dict(cls.from_config({**needed, **named}).get_config())
    except (
        Exception
    ):  # A class that wants more, or one of two things: then what is said of these is written.
        common = Layer(name="usual").get_config() if named else {}
        return {**common, **{p.name: p.default for p in _parameters(cls)}}


def _compact(cls: Any, config: dict[str, Any], key: str) -> Any:
    """Write `(3, 3)` as `3` where the class takes both for the same."""
    value = config[key]
    alike = isinstance(value, list | tuple) and len(value) > 1 and len(set(map(repr, value))) == 1
    if not alike or not isinstance(value[0], int):
        return value
    try:
        same = cls.from_config({**config, key: value[0]}).get_config()
    except Exception:
        return value
    return value[0] if _same(same.get(key), value) else value


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(
        type(a) is type(b) or (isinstance(a, int | float) and isinstance(b, int | float))
    ) and bool(a == b)
