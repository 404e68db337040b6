"""Everyday helpers under Keras's names: files from the network, one-hot labels, norms, seeds."""

from __future__ import annotations

from trivium.state.seeds import set_random_seed
from trivium.utils.files import get_file
from trivium.utils.numeric import normalize, to_categorical

__all__ = ["get_file", "normalize", "set_random_seed", "to_categorical"]
