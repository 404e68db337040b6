"""The import hook: while it is active, `keras`, `tensorflow` and `tf_keras` mean Trivium, in this process alone."""

from __future__ import annotations

import contextlib
import importlib
import linecache
import re
import sys
from collections.abc import Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat import names, vocabulary
from trivium.compat.errors import NotCovered, NotCoveredError, NotCoveredImportError
from trivium.compat.hints import REFUSED_PACKAGES
from trivium.compat.older import install_older, uninstall_older
from trivium.compat.tensorflow.operators import install_operators, uninstall_operators
from trivium.compat.tensorflow.printing import install_printing, uninstall_printing
from trivium.compat.tensorflow.shapes import install_shapes, uninstall_shapes
from trivium.data.strings import StringArray, as_strings
from trivium.data.texts import set_given_out
from trivium.graph import SymbolicTensor
from trivium.graph.errors import error_location

__all__ = ["Face", "active", "as_not_covered", "install", "is_installed", "uninstall"]


class Face(ModuleType):
    """A module of Keras or TensorFlow whose names mean Trivium's; each is looked up when it is asked for.

    Args:
        name: The name that it is imported under.

    Example:
        >>> Face("tensorflow.math").reduce_max([1, 3, 2]).item()
        3
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []  # a package: `import keras.layers` asks for more

    def __getattr__(self, name: str) -> Any:
        path = f"{self.__name__}.{name}"
        if name == "__all__":
            return vocabulary.public_names(self.__name__)
        if (found := vocabulary.find(path)) is not vocabulary.MISSING:
            setattr(self, name, found)
            return found
        if name.startswith("_"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if vocabulary.is_face(path):
            # Code of a program may still run when the hook is gone, and must not meet the real thing then.
            return importlib.import_module(path) if is_installed() else Face(path)
        raise NotCoveredError(vocabulary.absence(path))

    def __dir__(self) -> list[str]:
        return vocabulary.public_names(self.__name__)


class _Finder(MetaPathFinder, Loader):
    """Finds the faces. What is missing of them raises an error here, so that `from … import` shows it too."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        root = fullname.partition(".")[0]
        if root in REFUSED_PACKAGES:
            raise NotCoveredImportError(
                f"{root} is not covered under `trivium run`. {REFUSED_PACKAGES[root]}"
            )
        if root not in vocabulary.ROOTS:
            return None
        if fullname not in vocabulary.ROOTS and not vocabulary.is_face(fullname):
            if vocabulary.find(fullname) is not vocabulary.MISSING:
                raise ModuleNotFoundError(f"{fullname!r} is not a module", name=fullname)
            raise NotCoveredImportError(vocabulary.absence(fullname))
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Face(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leave the face empty: names are looked up when they are asked for."""


_finder = _Finder()
_replaced: dict[str, ModuleType] = {}


def _covered_modules() -> dict[str, ModuleType]:
    return {n: m for n, m in sys.modules.items() if n.partition(".")[0] in vocabulary.ROOTS}


def is_installed() -> bool:
    """Say whether the hook is active.

    Example:
        >>> is_installed()
        False
    """
    return _finder in sys.meta_path


def install() -> list[str]:
    """Make `import keras` and `import tensorflow` mean Trivium from now on, in this process.

    Returns:
        Which of them had been imported before: what holds on to those keeps the real thing.

    Example:
        >>> _ = install()
        >>> import tensorflow as tf
        >>> tf.reduce_sum([1, 2]).numpy().item()
        3
        >>> uninstall()
    """
    if is_installed():
        return []
    found = _covered_modules()
    _replaced.update(found)
    for name in found:
        del sys.modules[name]
    sys.meta_path.insert(0, _finder)
    # TensorFlow's tensors have it, and programs use it in every other line.
    _array_type().numpy = _numpy
    for kind in _tensor_types():
        kind.set_shape = _set_shape
    install_older()
    install_operators()
    install_printing()
    install_shapes()
    set_given_out(as_strings)
    return sorted(set(found) & set(vocabulary.ROOTS))


def uninstall() -> None:
    """Give `keras` and `tensorflow` their own meaning back.

    Example:
        >>> uninstall()  # nothing, where the hook is not active
    """
    if not is_installed():
        return
    sys.meta_path.remove(_finder)
    for name in _covered_modules():
        del sys.modules[name]
    sys.modules.update(_replaced)
    _replaced.clear()
    del _array_type().numpy
    for kind in _tensor_types():
        del kind.set_shape
    uninstall_operators()
    uninstall_older()
    uninstall_printing()
    uninstall_shapes()
    set_given_out(None)


def _numpy(array: Any) -> Any:
    """Return an array as NumPy's, and one without axes as a NumPy number, which formats and prints as numbers do."""
    return np.array(array) if array.ndim else np.asarray(array)[()]


def _set_shape(tensor: Any, shape: Any) -> None:
    from trivium.compat.tensorflow.static_shapes import (
        set_shape,  # not before a program asks for it
    )

    set_shape(tensor, shape)


def _array_type() -> Any:
    return type(jnp.zeros(()))


def _tensor_types() -> list[Any]:
    """Return the classes of what is a tensor to a program: arrays, those within a trace, a graph's, and strings."""
    return [_array_type(), jax.core.Tracer, SymbolicTensor, StringArray]


@contextlib.contextmanager
def active() -> Iterator[None]:
    """Let `keras` and `tensorflow` mean Trivium within the `with` block.

    Example:
        >>> with active():
        ...     import keras
        >>> keras.__name__, keras.backend.backend()
        ('keras', 'jax')
    """
    if is_installed():
        yield
        return
    install()
    try:
        yield
    finally:
        uninstall()


def as_not_covered(error: BaseException) -> NotCovered | None:
    """Return an error as one of what is not covered, where it is that.

    Args:
        error: What a program raised: one of ours, or Python's about an attribute that an array, a layer or a model of
            Keras or TensorFlow has and ours has not.

    Returns:
        The error with its message and the program's line; `None` where it is another matter.

    Example:
        >>> as_not_covered(ValueError("another matter")) is None
        True
    """
    if isinstance(error, NotCovered):
        return error
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        message = vocabulary.member_absence(error.obj, error.name)
        return NotCovered(message, error_location(error)) if message is not None else None
    if isinstance(error, NameError) and error.name:
        return _starred(error, error.name)
    return None


def _starred(error: NameError, name: str) -> NotCovered | None:
    """Return an error as that of a name that `from keras.layers import *` would have brought, were it there."""
    location = error_location(error)
    source = "".join(linecache.getlines(location.rpartition(":")[0]))
    for module in re.findall(r"^\s*from\s+([\w.]+)\s+import\s+\*", source, re.MULTILINE):
        path = vocabulary.canonical(f"{module}.{name}")
        if module.partition(".")[0] in vocabulary.ROOTS and names.known(path):
            return NotCovered(vocabulary.absence(path), location)
    return None
