"""`%load_ext trivium`: the import hook in a notebook."""

from __future__ import annotations

from typing import Any

from trivium.compat.hook import install, uninstall
from trivium.state.quick_compilation import disable_quick_operations, enable_quick_operations

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(ipython: Any) -> None:
    """Make `import keras` and `import tensorflow` mean Trivium in the cells that follow.

    Args:
        ipython: The shell, as IPython passes it.

    Example:
        >>> import contextlib, io
        >>> with contextlib.redirect_stdout(io.StringIO()):  # what it has to say
        ...     load_ipython_extension(None)
        >>> import keras
        >>> keras.backend.backend()
        'jax'
        >>> unload_ipython_extension(None)
    """
    before = install()
    enable_quick_operations()
    if before:
        print(
            f"trivium: {' and '.join(before)} had been imported before. Run the cells with those imports again; "
            "what was made with them stays what it is."
        )


def unload_ipython_extension(ipython: Any) -> None:
    """Give `keras` and `tensorflow` their own meaning back, for imports to come.

    Args:
        ipython: The shell, as IPython passes it.

    Example:
        >>> unload_ipython_extension(None)
    """
    uninstall()
    disable_quick_operations()
