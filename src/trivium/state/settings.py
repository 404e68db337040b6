"""Settings of how the library works and what it shows, beside those of dtypes and images."""

from __future__ import annotations

import jax

from trivium.state.session import own_session, session

__all__ = [
    "backend",
    "disable_block_folding",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "enable_block_folding",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "is_block_folding_enabled",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "reset_block_folding",
    "set_backend",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]


def backend() -> str:
    """Return the engine's name.

    Example:
        >>> backend()
        'jax'
    """
    return "jax"


def set_backend(backend: str) -> None:
    """Keep JAX: there is one engine, and programs that ask for it go on.

    Args:
        backend: The engine's name.

    Raises:
        ValueError: It is another one.

    Example:
        >>> set_backend("jax")
    """
    if backend != "jax":
        raise ValueError(
            f"The engine is JAX, always; got {backend!r}. Leave the call out, or run the program with Keras."
        )


def is_nnx_enabled() -> bool:
    """Say whether variables are Flax's: they are not.

    Example:
        >>> is_nnx_enabled()
        False
    """
    return False


def enable_unsafe_deserialization() -> None:
    """Refuse: code in a file is never run.

    Raises:
        RuntimeError: Always.

    Example:
        >>> enable_unsafe_deserialization()
        Traceback (most recent call last):
        ...
        RuntimeError: Code in a file is never run unless the call that reads it says so: ...
    """
    raise RuntimeError(
        "Code in a file is never run unless the call that reads it says so: pass `safe_mode=False` to it for a file "
        "that you trust, or, better, give functions names by `@register_keras_serializable()`."
    )


def is_flash_attention_enabled() -> bool:
    """Say whether attention may take a fused kernel where the device has one; it may by default.

    Example:
        >>> is_flash_attention_enabled()
        True
    """
    return session().flash_attention


def enable_flash_attention() -> None:
    """Let attention take a fused kernel where the device has one.

    Example:
        >>> enable_flash_attention()
    """
    own_session().flash_attention = True


def disable_flash_attention() -> None:
    """Keep attention from taking a fused kernel, unless a layer or a call asks for it.

    Example:
        >>> disable_flash_attention()
        >>> is_flash_attention_enabled()
        False
        >>> enable_flash_attention()
    """
    own_session().flash_attention = False


def is_block_folding_enabled() -> bool | None:
    """Say whether equal blocks of a model are compiled once, as a loop over their weights.

    Returns:
        `True` where all are, `False` where none are, and `None`, which is the default, where the graph says whether it
        is worth it: see docs/performance.md.

    Example:
        >>> is_block_folding_enabled() is None
        True
    """
    return session().block_folding


def enable_block_folding() -> None:
    """Compile equal blocks of a model once in `fit`, `evaluate` and `predict`, wherever there are four or more.

    By default that is done where it is worth it. A deep network then compiles in the time of a few blocks. The numbers
    are the same but for the rounding of sums that XLA orders otherwise; all styles of writing, and all lengths of
    chunks, still agree to the bit.

    Example:
        >>> enable_block_folding()
        >>> is_block_folding_enabled()
        True
        >>> reset_block_folding()
    """
    own_session().block_folding = True


def disable_block_folding() -> None:
    """Compile each block of a model for itself, which takes longer the deeper it is.

    Example:
        >>> disable_block_folding()
        >>> is_block_folding_enabled()
        False
        >>> reset_block_folding()
    """
    own_session().block_folding = False


def reset_block_folding() -> None:
    """Let the graph say again where equal blocks are compiled once.

    Example:
        >>> reset_block_folding()
        >>> is_block_folding_enabled() is None
        True
    """
    own_session().block_folding = None


def is_interactive_logging_enabled() -> bool:
    """Say whether progress is shown on standard output, rather than logged; it is by default.

    Example:
        >>> is_interactive_logging_enabled()
        True
    """
    return session().interactive_logging


def enable_interactive_logging() -> None:
    """Show progress on standard output.

    Example:
        >>> enable_interactive_logging()
    """
    own_session().interactive_logging = True


def disable_interactive_logging() -> None:
    """Log progress with `logging`, under the name `"trivium"`, in place of showing it.

    Example:
        >>> disable_interactive_logging()
        >>> is_interactive_logging_enabled()
        False
        >>> enable_interactive_logging()
    """
    own_session().interactive_logging = False


def is_traceback_filtering_enabled() -> bool:
    """Say whether errors are shown without JAX's own lines, and in `trivium run` without the library's; by default.

    Example:
        >>> is_traceback_filtering_enabled()
        True
    """
    return bool(jax.config.jax_traceback_filtering != "off")  # type: ignore[attr-defined]


def enable_traceback_filtering() -> None:
    """Show errors without JAX's own lines: JAX's setting `jax_traceback_filtering`, for the whole process.

    Example:
        >>> enable_traceback_filtering()
    """
    jax.config.update("jax_traceback_filtering", "auto")


def disable_traceback_filtering() -> None:
    """Show errors with all of their lines.

    Example:
        >>> disable_traceback_filtering()
        >>> is_traceback_filtering_enabled()
        False
        >>> enable_traceback_filtering()
    """
    jax.config.update("jax_traceback_filtering", "off")


def max_epochs() -> int | None:
    """Return the most epochs of any `fit`; `None` where there is no limit.

    Example:
        >>> max_epochs() is None
        True
    """
    return session().max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Limit the epochs of any `fit`, to see quickly whether a program runs at all.

    The environment variable `KERAS_MAX_EPOCHS` does the same from outside.

    Args:
        max_epochs: The most epochs; `None` for no limit.

    Raises:
        ValueError: It is no whole number above zero.

    Example:
        >>> set_max_epochs(2)
        >>> max_epochs()
        2
        >>> set_max_epochs(None)
    """
    own_session().max_epochs = _checked("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """Return the most steps of any epoch, `evaluate` or `predict`; `None` where there is no limit.

    Example:
        >>> max_steps_per_epoch() is None
        True
    """
    return session().max_steps


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limit the steps of any epoch, `evaluate` or `predict`.

    The environment variable `KERAS_MAX_STEPS_PER_EPOCH` does the same from outside.

    Args:
        max_steps_per_epoch: The most steps; `None` for no limit.

    Raises:
        ValueError: It is no whole number above zero.

    Example:
        >>> set_max_steps_per_epoch(10)
        >>> max_steps_per_epoch()
        10
        >>> set_max_steps_per_epoch(None)
    """
    own_session().max_steps = _checked("max_steps_per_epoch", max_steps_per_epoch)


def _checked(name: str, limit: int | None) -> int | None:
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise ValueError(
            f"`{name}` is a whole number above zero, or None for no limit; got {limit!r}."
        )
    return limit
