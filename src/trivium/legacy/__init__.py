"""What older programs and files use."""

from trivium.legacy import saving

__all__ = ["saving"]
