"""Figures where there is no display: `plt.show()` saves them beside the script."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import sys
from collections.abc import Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["saved_figures"]

_MODULE = "matplotlib.backend_bases"


@contextlib.contextmanager
def saved_figures(script: Path) -> Iterator[None]:
    """Save what is shown without a display within the `with` block, as `<script>-figure-1.png` and so on.

    A figure is closed after it was saved, as it is when somebody closes its window; in Matplotlib's interactive mode
    it stays open, and is saved again when it is shown again. Backends with windows show them as ever.

    Args:
        script: The program's file.

    Example:
        >>> with saved_figures(Path("plots.py")):
        ...     pass  # run it
    """
    numbers = itertools.count(1)
    places: WeakKeyDictionary[Any, Path] = WeakKeyDictionary()

    def show(manager: Any) -> None:
        figure = manager.canvas.figure
        if figure not in places:
            places[figure] = script.with_name(f"{script.stem}-figure-{next(numbers)}.png")
            print(f"figure saved: {places[figure]}")
        figure.savefig(places[figure])
        matplotlib = sys.modules["matplotlib"]
        if not matplotlib.is_interactive():
            sys.modules["matplotlib._pylab_helpers"].Gcf.destroy(manager)

    with _patched(show):
        yield


@contextlib.contextmanager
def _patched(show: Any) -> Iterator[None]:
    """Make `show` what figures without windows do; where Matplotlib is not imported yet, as soon as it is."""
    original: list[Any] = []

    def patch(module: ModuleType) -> None:
        original.append(module.FigureManagerBase.show)
        module.FigureManagerBase.show = show

    waiting = _Waiting(patch)
    if _MODULE in sys.modules:
        patch(sys.modules[_MODULE])
    else:
        sys.meta_path.insert(0, waiting)
    try:
        yield
    finally:
        if waiting in sys.meta_path:
            sys.meta_path.remove(waiting)
        if original:
            sys.modules[_MODULE].FigureManagerBase.show = original[0]


class _Waiting(MetaPathFinder, Loader):
    """Calls a function on a module once it has been imported by whoever finds it."""

    def __init__(self, then: Any) -> None:
        self._then = then
        self._loader: Any = None

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._then(module)
