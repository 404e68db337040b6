"""Strings into so many buckets, by their hashes: the same on every machine, and in TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.fingerprints import farmhash64, murmurhash64, siphash64
from trivium.data.kinds import StringLike
from trivium.data.ragged.mapping import on_flat_values
from trivium.data.strings.array import as_strings

__all__ = [
    "HASH_KEY",
    "as_buckets",
    "to_hash_bucket",
    "to_hash_bucket_fast",
    "to_hash_bucket_strong",
]

# What TensorFlow's own hash begins with.
HASH_KEY = 0xDECAFCAFFE


@on_flat_values
def to_hash_bucket(input: StringLike, num_buckets: int) -> Any:
    """Return a number from 0 to `num_buckets` - 1 for each string, by MurmurHash64A.

    Args:
        input: Strings, also ragged ones.
        num_buckets: How many numbers there are.

    Example:
        >>> to_hash_bucket(["a", "hello"], 100).tolist()
        [68, 38]
    """
    return as_buckets(murmurhash64(as_strings(input)._bytes, HASH_KEY), num_buckets)


@on_flat_values
def to_hash_bucket_fast(input: StringLike, num_buckets: int) -> Any:
    """Return a number from 0 to `num_buckets` - 1 for each string, by FarmHash.

    Args:
        input: Strings, also ragged ones.
        num_buckets: How many numbers there are.

    Example:
        >>> to_hash_bucket_fast(["a", "hello"], 100).tolist()
        [39, 96]
    """
    return as_buckets(farmhash64(as_strings(input)._bytes), num_buckets)


@on_flat_values
def to_hash_bucket_strong(input: StringLike, num_buckets: int, key: Sequence[int]) -> Any:
    """Return a number from 0 to `num_buckets` - 1 for each string, by SipHash under a key that nobody can guess.

    Args:
        input: Strings, also ragged ones.
        num_buckets: How many numbers there are.
        key: Two numbers of 64 bits.

    Example:
        >>> to_hash_bucket_strong(["a", "hello"], 100, [1, 2]).tolist()
        [46, 22]
    """
    return as_buckets(siphash64(as_strings(input)._bytes, [int(k) for k in key]), num_buckets)


def as_buckets(hashes: np.ndarray, count: int) -> Any:
    """Return the numbers from 0 to `count` - 1 that hashes fall upon.

    Args:
        hashes: Whole numbers of 64 bits, without a sign.
        count: How many numbers there are.

    Raises:
        DataError: There are none.

    Example:
        >>> as_buckets(np.array([12, 25], np.uint64), 10).tolist()
        [2, 5]
    """
    if int(count) < 1:
        raise DataError(f"`num_buckets` is a whole number from 1 on; got {count}.")
    return jnp.asarray((hashes % np.uint64(count)).astype(np.int64))
