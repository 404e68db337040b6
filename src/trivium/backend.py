"""What Keras's users look for under `backend`: the engine is JAX, always."""

from trivium.state.dtypes import epsilon, floatx, set_epsilon, set_floatx
from trivium.state.names import clear_names

__all__ = ["backend", "clear_session", "epsilon", "floatx", "set_epsilon", "set_floatx"]


def backend() -> str:
    """Return the engine's name.

    Example:
        >>> backend()
        'jax'
    """
    return "jax"


def clear_session() -> None:
    """Start the automatic names anew: the next `Dense` is `dense` again.

    Example:
        >>> clear_session()
    """
    clear_names()
