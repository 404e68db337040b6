"""Trivium: Keras's three ways of writing a model, as three roads to one graph, on JAX.

Example:
    >>> import trivium as tv
    >>> model = tv.Sequential([tv.Input((28, 28)), tv.layers.Flatten(), tv.layers.Dense(10, activation="softmax")])
    >>> model.output_shape
    (None, 10)
"""

# ruff: noqa: E402  (Imports come after what makes them cheap.)

import gc
import importlib
import sys
import types
from typing import TYPE_CHECKING, Any


def _has_begun_with_imports() -> bool:
    """Say whether the program has made nothing yet, so that all there is are modules.

    These stay frozen: the interpreter, when it ends, looks through all there is for garbage again and again, which
    takes a third of a second. What the program makes is looked through as ever, so that its files are closed.
    """
    plain = (types.ModuleType, types.FunctionType, type, str, int, float, type(None))
    main = sys.modules["__main__"]
    others = [module for module in tuple(sys.modules.values()) if module is not main]
    return all(
        name[:1] == "_"
        or isinstance(x, plain)
        or any(getattr(module, "__dict__", {}).get(name) is x for module in others)
        for name, x in tuple(vars(main).items())
    )


# What is imported stays. To look through it for garbage three hundred times while it comes takes a seventh of the time.
# Then it counts as old, or the program's first line that makes a few objects has all of it looked through.
_searched = gc.isenabled()
gc.disable()
try:
    from trivium import (
        activations,
        backend,
        callbacks,
        config,
        constraints,
        data,
        datasets,
        distillation,
        dtype_policies,
        export,
        initializers,
        layers,
        legacy,
        losses,
        metrics,
        mixed_precision,
        models,
        ops,
        optimizers,
        preprocessing,
        quantizers,
        random,
        regularizers,
        saving,
        tree,
        utils,
        visualization,
        viz,
        wrappers,
    )
finally:
    if _searched:
        # Thawed again they are old without having been looked at. What others have frozen stays so.
        if not gc.get_freeze_count():
            gc.freeze()
            if not _has_begun_with_imports():
                gc.unfreeze()
        gc.enable()

from trivium.graph import (
    CaptureError,
    DisconnectedGraphError,
    Function,
    Graph,
    Operation,
    SymbolicTensor,
)
from trivium.initializers import Initializer
from trivium.layers import Input, InputSpec, Layer
from trivium.layers.remat import RematScope
from trivium.losses import Loss
from trivium.metrics import Metric
from trivium.models import Functional, Model, Sequential
from trivium.ops import remat
from trivium.optimizers import Optimizer
from trivium.quantizers import Quantizer
from trivium.regularizers import Regularizer
from trivium.state import DTypePolicy, StatelessScope, Variable, suggest
from trivium.state.devices import device
from trivium.state.dtype_policies import FloatDTypePolicy
from trivium.state.name_scopes import name_scope
from trivium.state.tape import GradientTape

if TYPE_CHECKING:
    from trivium import tuning
    from trivium.styles import StyleError, advise, convert, diff, graph_of, source
    from trivium.styles.explain import Explanation, explain, register_formula, register_function
    from trivium.styles.inspect import Inspection, inspect

__version__ = "0.1.0"

# Rooms that are entered when something of theirs is first asked for.
_LATER = {
    "trivium.styles": ("StyleError", "advise", "convert", "diff", "graph_of", "source"),
    "trivium.styles.explain": ("Explanation", "explain", "register_formula", "register_function"),
    "trivium.styles.inspect": ("Inspection", "inspect"),
}


def __getattr__(name: str) -> Any:
    if name in ("testing", "tuning"):
        return importlib.import_module(f"trivium.{name}")
    room = next((room for room, names in _LATER.items() if name in names), None)
    if room is None:
        raise AttributeError(
            f"module 'trivium' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    value = globals()[name] = getattr(importlib.import_module(room), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(ipython: object) -> None:
    """Make `import keras` and `import tensorflow` mean Trivium in a notebook: `%load_ext trivium`.

    Args:
        ipython: The shell.
    """
    importlib.import_module("trivium.compat.notebook").load_ipython_extension(ipython)


def unload_ipython_extension(ipython: object) -> None:
    """Undo `%load_ext trivium`: `%unload_ext trivium`.

    Args:
        ipython: The shell.
    """
    importlib.import_module("trivium.compat.notebook").unload_ipython_extension(ipython)


def version() -> str:
    """Return the library's version.

    Example:
        >>> version() == __version__
        True
    """
    return __version__


# The name that Keras gives to symbolic tensors.
KerasTensor = SymbolicTensor

__all__ = [
    "CaptureError",
    "DTypePolicy",
    "DisconnectedGraphError",
    "Explanation",
    "FloatDTypePolicy",
    "Function",
    "Functional",
    "GradientTape",
    "Graph",
    "Initializer",
    "Input",
    "InputSpec",
    "Inspection",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Quantizer",
    "Regularizer",
    "RematScope",
    "Sequential",
    "StatelessScope",
    "StyleError",
    "SymbolicTensor",
    "Variable",
    "__version__",
    "activations",
    "advise",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "convert",
    "data",
    "datasets",
    "device",
    "diff",
    "distillation",
    "dtype_policies",
    "explain",
    "export",
    "graph_of",
    "initializers",
    "inspect",
    "layers",
    "legacy",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "quantizers",
    "random",
    "register_formula",
    "register_function",
    "regularizers",
    "remat",
    "saving",
    "source",
    "tree",
    "tuning",
    "utils",
    "version",
    "visualization",
    "viz",
    "wrappers",
]
