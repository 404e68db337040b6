"""What Keras's users look for under `backend`: the engine is JAX, always."""

import gc

from trivium.state.dtypes import epsilon, floatx, set_epsilon, set_floatx
from trivium.state.names import clear_names
from trivium.training.executables import clear_programs

__all__ = ["backend", "clear_session", "epsilon", "floatx", "set_epsilon", "set_floatx"]


def backend() -> str:
    """Return the engine's name.

    Example:
        >>> backend()
        'jax'
    """
    return "jax"


def clear_session(free_memory: bool = True) -> None:
    """Start the automatic names anew, so that the next `Dense` is `dense` again, and forget compiled programs.

    Models in use go on as before; what they run next compiles again.

    Args:
        free_memory: Whether to look now for objects that nothing needs any more, rather than when Python next does.

    Example:
        >>> clear_session()
    """
    clear_names()
    clear_programs()
    if free_memory:
        gc.collect()
