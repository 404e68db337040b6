"""The real Keras, recorded. `tests/README.md` tells how tests use it."""

from oracle.record import both, recorded

__all__ = ["both", "recorded"]
