"""Settings of the library: default dtypes and policies, and epsilon."""

from trivium.state.dtypes import (
    dtype_policy,
    epsilon,
    floatx,
    set_dtype_policy,
    set_epsilon,
    set_floatx,
)

__all__ = [
    "dtype_policy",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]


def image_data_format() -> str:
    """Return where images have their channels unless a layer says otherwise: last, always.

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Accept the one default that there is.

    Args:
        data_format: `"channels_last"`.

    Raises:
        ValueError: It is another.

    Example:
        >>> set_image_data_format("channels_last")
    """
    if data_format != "channels_last":
        raise ValueError(
            f"The default is 'channels_last'; got {data_format!r}. Layers take `data_format={data_format!r}` each."
        )
