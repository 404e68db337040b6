"""What a name of Keras or TensorFlow means here: one answer for running a script and for checking it.

Keras's names are looked up in Trivium itself, so the vocabulary grows with the library. TensorFlow's array functions
are rows of `tensorflow.arrays`; what is more than one op lies in the modules beside it, all of which are read.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import ModuleType
from typing import Any

import jax

import trivium
from trivium.compat import names, tensorflow
from trivium.compat.hints import hint_for
from trivium.compat.names import shown
from trivium.compat.tensorflow.arrays import array_function, array_functions
from trivium.compat.tensorflow.errors import raising, turn_methods
from trivium.compat.tensorflow.kinds import by_kind, is_served
from trivium.compat.written import WRITTEN
from trivium.state.registry import suggest

__all__ = [
    "ROOTS",
    "absence",
    "canonical",
    "class_name",
    "find",
    "is_face",
    "member_absence",
    "public_names",
]

# The packages that mean Trivium while a script runs.
ROOTS = ("keras", "tensorflow", "tf_keras", "keras_tuner", "kerastuner")

# Keras's files of layers and optimizers, out of which programs for its versions 1 and 2 import.
_LAYER_FILES = (
    "advanced_activations", "convolutional", "core", "embeddings", "local", "merge", "noise", "normalization",
    "pooling", "recurrent", "wrappers",
)  # fmt: skip
_OPTIMIZER_FILES = (
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "ftrl",
    "gradient_descent",
    "nadam",
    "rmsprop",
)

# Parts of one package that are another's.
_MOVED = {
    "tf_keras": "keras",
    "keras_tuner": "keras.tuning",
    "kerastuner": "keras.tuning",
    "tensorflow.keras": "keras",
    "tensorflow.compat.v2": "tensorflow",
    "tensorflow.initializers": "keras.initializers",
    "tensorflow.losses": "keras.losses",
    "tensorflow.metrics": "keras.metrics",
    "tensorflow.optimizers": "keras.optimizers",
    "tensorflow.compat.v1.keras": "keras",
    "tensorflow.experimental.numpy": "keras.ops",
    "keras.api": "keras",
    # Where Keras 1 and 2 had them.
    "keras.experimental": "keras.optimizers.schedules",
    "keras.layers.experimental.preprocessing": "keras.layers",
    "keras.layers.experimental": "keras.layers",
    "keras.objectives": "keras.losses",
    "keras.optimizers.experimental": "keras.optimizers",
    "keras.optimizers.legacy": "keras.optimizers",
    **{f"keras.layers.{module}": "keras.layers" for module in _LAYER_FILES},
    **{f"keras.optimizers.{module}_v2": "keras.optimizers" for module in _OPTIMIZER_FILES},
    **{f"keras.utils.{module}_utils": "keras.utils" for module in ("data", "generic", "np", "vis")},
}

# Older names of things that Keras keeps as things of their own.
_RENAMED = {
    "keras.losses.KLD": "keras.losses.kl_divergence",
    "keras.losses.MAE": "keras.losses.mean_absolute_error",
    "keras.losses.MAPE": "keras.losses.mean_absolute_percentage_error",
    "keras.losses.MSE": "keras.losses.mean_squared_error",
    "keras.losses.MSLE": "keras.losses.mean_squared_logarithmic_error",
    "keras.losses.logcosh": "keras.losses.log_cosh",
    "tensorflow.constant_initializer": "keras.initializers.Constant",
    "tensorflow.ones_initializer": "keras.initializers.Ones",
    "tensorflow.random_normal_initializer": "keras.initializers.RandomNormal",
    "tensorflow.random_uniform_initializer": "keras.initializers.RandomUniform",
    "tensorflow.zeros_initializer": "keras.initializers.Zeros",
}

# The classes whose methods' names are known, and what is an instance of them here.
_CLASSES = (
    "keras.Model", "keras.Sequential", "keras.Layer", "keras.Optimizer", "keras.Metric", "keras.Loss",
    "keras.Variable", "keras.KerasTensor", "keras.callbacks.Callback", "tensorflow.data.Dataset",
)  # fmt: skip

MISSING = object()


def canonical(path: str) -> str:
    """Return a path as Keras's own, or as TensorFlow's where it is none of Keras's.

    Example:
        >>> canonical("tensorflow.keras.layers.Dense"), canonical("tf_keras.Model")
        ('keras.layers.Dense', 'keras.Model')
    """
    for part, owner in _MOVED.items():
        if path == part or path.startswith(part + "."):
            return canonical(owner + path.removeprefix(part))
    return path


@functools.cache
def _written() -> dict[str, Any]:
    """Return what is written by hand, with the versions that the faces follow."""
    for module in ("networks", "loaders"):
        importlib.import_module(f"trivium.compat.{module}")
    for found in pkgutil.iter_modules(tensorflow.__path__, f"{tensorflow.__name__}."):
        importlib.import_module(found.name)
    written = [c for c in WRITTEN.values() if isinstance(c, type) and not issubclass(c, Exception)]
    for cls in {base for c in written for base in c.__mro__}:
        if cls.__module__.startswith(f"{tensorflow.__name__}."):
            turn_methods(cls)
    versions = {k: f"{v}+trivium.{trivium.__version__}" for k, v in names.LIBRARIES.items()}
    return WRITTEN | {
        "keras.__version__": versions["keras"],
        "keras.version": lambda: versions["keras"],
        "tensorflow.__version__": versions["tensorflow"],
        "tensorflow.version.VERSION": versions["tensorflow"],
        "tensorflow.version.GIT_VERSION": versions["tensorflow"],
    }


def find(path: str) -> Any:
    """Return what a name means here, or `MISSING`.

    Args:
        path: A dotted path from `keras`, `tensorflow` or `tf_keras` on, of anything but a module.

    Example:
        >>> import trivium
        >>> find("tf_keras.models.Sequential") is trivium.Sequential
        True
    """
    path = canonical(path)
    for candidate in (path, *names.other_names(path)):
        candidate = _RENAMED.get(candidate, candidate)
        if candidate in _written():
            written = _written()[candidate]
            found = by_kind(candidate, written) if is_served(candidate) else written
            return raising(candidate, found) if candidate.startswith("tensorflow.") else found
        function = array_function(candidate)
        if function is not None:
            if not candidate.startswith("tensorflow."):
                return function
            return raising(candidate, by_kind(candidate, function))
        found = _in_trivium(candidate)
        if found is not MISSING and not isinstance(found, ModuleType):
            return found
    return MISSING


def _own_names() -> set[str]:
    return {*vars(trivium), *trivium.__all__}


def _in_trivium(path: str) -> Any:
    root, *parts = path.split(".")
    thing: Any = trivium if root == "keras" else MISSING
    for i, part in enumerate(parts):
        # What a module does not offer is its own affair, unless Keras has it under that name.
        offered = getattr(thing, "__all__", ()) if isinstance(thing, ModuleType) else ()
        if part not in offered and not names.known(".".join([root, *parts[: i + 1]])):
            return MISSING
        # Not asked of it: it would look for the nearest of all names each time.
        if thing is trivium and part not in _own_names():
            return MISSING
        thing = getattr(thing, part, MISSING)
    return thing


@functools.cache
def _row_modules() -> frozenset[str]:
    """Return every module that a row or a written name lies in."""
    modules = set()
    for path in (*array_functions(), *_written()):
        parts = path.split(".")
        modules |= {".".join(parts[:i]) for i in range(1, len(parts))}
    return frozenset(modules)


def is_face(path: str) -> bool:
    """Say whether a path is a module with something in it.

    Example:
        >>> is_face("tensorflow.keras.layers"), is_face("keras.Model"), is_face("keras.applications")
        (True, False, False)
    """
    path = canonical(path)
    if path in _row_modules() or isinstance(_in_trivium(path), ModuleType):
        return True
    if any(part.startswith(path + ".") for part in _MOVED):
        return True
    return any(
        is_face(f"{path}.{name}") or find(f"{path}.{name}") is not MISSING
        for name in names.names_in(path)
    )


def public_names(module: str) -> list[str]:
    """Return the names that a module has here.

    Example:
        >>> "Dense" in public_names("tf_keras.layers")
        True
    """
    module = canonical(module)
    own = _in_trivium(module)
    listed = set(getattr(own, "__all__", ())) | set(names.names_in(module))
    prefix = module + "."
    listed |= {p[len(prefix) :].partition(".")[0] for p in _written() if p.startswith(prefix)}
    return sorted(
        name for name in listed if is_face(prefix + name) or find(prefix + name) is not MISSING
    )


def absence(path: str) -> str:
    """Say that a name is not covered, and what is nearest to it.

    Example:
        >>> absence("keras.layers.Dens")
        "keras.layers.Dens: there is no such name. Did you mean 'Dense'?"
    """
    path = canonical(path)
    module, _, name = path.rpartition(".")
    # Where the module is known and has no such name, a hint for the module is beside the point.
    mistyped = names.is_module(module) and not names.known(path)
    if hint := hint_for(path, exact=mistyped):
        return f"{shown(path)} is not covered. {hint}"
    if not names.known(path):
        candidates = {*names.names_in(module), *public_names(module)}
        hint = suggest(name, candidates) if candidates else ""
        return f"{shown(path)}: there is no such name." + (f" {hint}" if "?" in hint else "")
    if path.startswith("keras."):
        return f"{path}: Keras has it, Trivium {trivium.__version__} does not have it yet."
    near = f" The nearest is keras.ops.{name}." if name in trivium.ops.__all__ else ""
    return f"{shown(path)} is not covered.{near}"


def class_name(cls: type) -> str:
    """Return what Keras or TensorFlow calls a class of ours, or the next class above it.

    Example:
        >>> class_name(trivium.Sequential), class_name(trivium.layers.Dense)
        ('keras.Sequential', 'keras.Layer')
    """
    for base in cls.__mro__:
        for path in _CLASSES:
            if find(path) is base:
                return shown(path)
    return cls.__name__


def member_absence(owner: Any, name: str) -> str | None:
    """Say that a method or property is not covered.

    Args:
        owner: The object, or its class.
        name: What it was asked for.

    Returns:
        A message; `None` where neither Keras nor TensorFlow has such a thing either.

    Example:
        >>> member_absence(trivium.Sequential, "no_such_method") is None
        True
    """
    cls = owner if isinstance(owner, type) else type(owner)
    if isinstance(owner, jax.Array) or cls is jax.Array:
        return _tensor_absence("tensorflow.Tensor", name)
    if issubclass(cls, tuple):
        return _tensor_absence("tensorflow.TensorShape", name)
    if issubclass(cls, str):
        return _tensor_absence("tensorflow.DType", name)
    for path in _CLASSES:
        if not issubclass(cls, find(path)):
            continue
        member = name in names.members(path)
        if hint := hint_for(f"{path}.{name}", exact=not member):
            return f"{shown(path)}.{name} is not covered. {hint}"
        if member:
            return f"{shown(path)}.{name}: Trivium {trivium.__version__} does not have it yet."
    return None


def _tensor_absence(path: str, name: str) -> str | None:
    member = name in names.members(path)
    hint = hint_for(f"{path}.{name}", exact=not member)
    return f"{shown(path)}.{name} is not covered. {hint}" if member or hint else None
