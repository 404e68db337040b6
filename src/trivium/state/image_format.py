"""Where images have their channels unless somebody says otherwise."""

from __future__ import annotations

from trivium.state.registry import suggest
from trivium.state.session import own_session, session

__all__ = ["IMAGE_DATA_FORMATS", "image_data_format", "set_image_data_format"]

IMAGE_DATA_FORMATS = ("channels_last", "channels_first")


def image_data_format() -> str:
    """Return where layers have their channels that are made without `data_format`: last, unless set otherwise.

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return session().image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set where layers have their channels that are made from now on without `data_format`.

    Layers that exist keep what they have, and configs say it, so a model reads the same whatever is set.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: It is neither.

    Example:
        >>> set_image_data_format("channels_last")
    """
    if data_format not in IMAGE_DATA_FORMATS:
        raise ValueError(
            f"The image data format is 'channels_last' or 'channels_first'; got {data_format!r}. "
            + suggest(str(data_format), IMAGE_DATA_FORMATS)
        )
    own_session().image_data_format = data_format
