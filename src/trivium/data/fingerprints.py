"""Hashes of text, many at once: the same numbers on every machine, in every process and in TensorFlow.

`farmhash64` is `Fingerprint64` of FarmHash, `siphash64` is SipHash-2-4, `murmurhash64` is MurmurHash64A. They are
written out here since all are short and a layer that needs no package but NumPy is worth it; texts of one length are
hashed side by side, so that Python's part is one round for each length that occurs.

References:
    Pike and Alakuijala, "FarmHash", https://github.com/google/farmhash (`farmhashna::Hash64`).
    Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
    Appleby, "SMHasher", https://github.com/aappleby/smhasher (`MurmurHash64A`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["combined", "farmhash64", "murmurhash64", "siphash64"]

_K0, _K1, _K2 = (np.uint64(k) for k in (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))
# TensorFlow's way of putting two fingerprints together is a round of MurmurHash.
_MURMUR = np.uint64(0xC6A4A7935BD1E995)


def farmhash64(texts: np.ndarray) -> np.ndarray:
    """Return the FarmHash fingerprints of texts.

    Args:
        texts: An array of text, or of bytes as objects, of any shape.

    Returns:
        An array of the same shape, dtype uint64.

    Example:
        >>> farmhash64(np.array(["a", "text"], np.dtypes.StringDType())).tolist()
        [12917804110809363939, 10099071426869081423]
    """
    return _by_length(texts, _farmhash)


def siphash64(texts: np.ndarray, key: Sequence[int]) -> np.ndarray:
    """Return the SipHash-2-4 of texts under a key.

    Args:
        texts: An array of text, or of bytes as objects, of any shape.
        key: Two numbers of 64 bits.

    Returns:
        An array of the same shape, dtype uint64.

    Example:
        >>> siphash64(np.array(["a"], np.dtypes.StringDType()), (1, 2)).dtype
        dtype('uint64')
    """
    return _by_length(texts, lambda data, length: _siphash(data, length, key))


def murmurhash64(texts: np.ndarray, seed: int) -> np.ndarray:
    """Return the MurmurHash64A of texts.

    Args:
        texts: An array of text, or of bytes as objects, of any shape.
        seed: A number of 64 bits that the hashes begin with.

    Returns:
        An array of the same shape, dtype uint64.

    Example:
        >>> murmurhash64(np.array(["a"], np.dtypes.StringDType()), 1).dtype
        dtype('uint64')
    """
    return _by_length(texts, lambda data, length: _murmur(data, length, seed))


def combined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return fingerprints of pairs of fingerprints: TensorFlow's `FingerprintCat64`.

    Args:
        first: An array of uint64.
        second: Likewise.

    Example:
        >>> combined(np.uint64([1]), np.uint64([2])) == combined(np.uint64([2]), np.uint64([1]))
        array([False])
    """
    result = first ^ _MURMUR
    result ^= _mixed(second * _MURMUR) * _MURMUR
    result *= _MURMUR
    result = _mixed(result) * _MURMUR
    return _mixed(result)


def _by_length(texts: np.ndarray, function: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    flat = np.asarray(texts).ravel().tolist()
    encoded = [text if isinstance(text, bytes) else text.encode() for text in flat]
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    hashes = np.empty(len(encoded), np.uint64)
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        joined = b"".join([encoded[i] for i in places.tolist()])
        data = np.frombuffer(joined, np.uint8).reshape(len(places), length)
        hashes[places] = function(data, length)
    return hashes.reshape(np.shape(texts))


def _word(data: np.ndarray, start: int, size: int = 8) -> np.ndarray:
    """Return the little-endian numbers of so many bytes that start there."""
    words = np.ascontiguousarray(data[:, start : start + size]).view(f"<u{size}")[:, 0]
    return words.astype(np.uint64)


def _turned(x: np.ndarray, by: int) -> np.ndarray:
    """Rotate the bits of 64-bit numbers to the right."""
    return (x >> np.uint64(by)) | (x << np.uint64(64 - by))


def _mixed(x: np.ndarray) -> np.ndarray:
    return x ^ (x >> np.uint64(47))


def _of_two(u: np.ndarray, v: np.ndarray, factor: np.ndarray | np.uint64) -> np.ndarray:
    a = _mixed((u ^ v) * factor)
    return _mixed((v ^ a) * factor) * factor


def _farmhash(data: np.ndarray, length: int) -> np.ndarray:
    n = np.uint64(length)
    factor = np.array([_K2 + n * np.uint64(2)])  # Arrays wrap around where single numbers warn.
    if length == 0:
        return np.full(len(data), _K2)
    if length < 4:
        a, b, c = (data[:, i].astype(np.uint64) for i in (0, length >> 1, length - 1))
        return _mixed(((a + (b << np.uint64(8))) * _K2) ^ ((n + (c << np.uint64(2))) * _K0)) * _K2
    if length < 8:
        first, last = _word(data, 0, 4), _word(data, length - 4, 4)
        return _of_two(n + (first << np.uint64(3)), last, factor)
    if length <= 16:
        a, b = _word(data, 0) + _K2, _word(data, length - 8)
        return _of_two(_turned(b, 37) * factor + a, (_turned(a, 25) + b) * factor, factor)
    if length <= 64:
        return _up_to_64(data, length, factor)
    return _longer(data, length)


def _up_to_64(data: np.ndarray, length: int, factor: np.ndarray) -> np.ndarray:
    a = _word(data, 0) * (_K1 if length <= 32 else _K2)
    b = _word(data, 8)
    c, d = _word(data, length - 8) * factor, _word(data, length - 16) * _K2
    y = _turned(a + b, 43) + _turned(c, 30) + d
    z = _of_two(y, a + _turned(b + _K2, 18) + c, factor)
    if length <= 32:
        return z
    e, f = _word(data, 16) * factor, _word(data, 24)
    g = (y + _word(data, length - 32)) * factor
    h = (z + _word(data, length - 24)) * factor
    return _of_two(_turned(e + f, 43) + _turned(g, 30) + h, e + _turned(f + a, 18) + g, factor)


def _murmur(data: np.ndarray, length: int, seed: int) -> np.ndarray:
    factor = np.array([_MURMUR])  # Arrays wrap around where single numbers warn.
    result = np.full(len(data), np.uint64(seed)) ^ (factor * np.uint64(length))
    whole = length // 8 * 8
    for at in range(0, whole, 8):
        result = (result ^ (_mixed(_word(data, at) * factor) * factor)) * factor
    if rest := length - whole:
        padded = np.zeros((len(data), 8), np.uint8)
        padded[:, :rest] = data[:, whole:]
        result = (result ^ _word(padded, 0)) * factor
    return _mixed(_mixed(result) * factor)


_Pair = tuple[np.ndarray, np.ndarray]


def _of_32_bytes(data: np.ndarray, at: int, a: np.ndarray, b: np.ndarray) -> _Pair:
    w, x, y, z = (_word(data, at + i) for i in (0, 8, 16, 24))
    a = a + w
    b = _turned(b + a + z, 21)
    c = a
    a = a + x + y
    return a + z, b + _turned(a, 44) + c


def _longer(data: np.ndarray, length: int) -> np.ndarray:
    """Hash more than 64 bytes: 56 bytes of state go along 64 bytes at a time, and the last 64 are hashed at the end."""
    zero = np.zeros(len(data), np.uint64)
    x, y = zero + np.uint64(81), zero + np.uint64(81) * np.array([_K1]) + np.uint64(113)
    z = _mixed(y * _K2 + np.uint64(113)) * _K2
    v: _Pair = (zero, zero)
    w: _Pair = (zero, zero)
    x = x * _K2 + _word(data, 0)
    for at in range(0, (length - 1) // 64 * 64, 64):
        x, y, z, v, w = _round(data, at, (x, y, z, v, w), _K1, 1)
    factor = _K1 + ((z & np.uint64(0xFF)) << np.uint64(1))
    first = w[0] + np.uint64((length - 1) & 63)
    v = (v[0] + first, v[1])
    w = (first + v[0], w[1])
    x, y, z, v, w = _round(data, length - 64, (x, y, z, v, w), factor, 9)
    low = _of_two(v[0], w[0], factor) + _mixed(y) * _K0 + z
    return _of_two(low, _of_two(v[1], w[1], factor) + x, factor)


_State = tuple[np.ndarray, np.ndarray, np.ndarray, _Pair, _Pair]


def _round(
    data: np.ndarray, at: int, state: _State, factor: np.ndarray | np.uint64, weight: int
) -> _State:
    x, y, z, v, w = state
    times = np.uint64(weight)
    x = _turned(x + y + v[0] + _word(data, at + 8), 37) * factor
    y = _turned(y + v[1] + _word(data, at + 48), 42) * factor
    x = x ^ (w[1] * times)
    y = y + v[0] * times + _word(data, at + 40)
    z = _turned(z + w[0], 33) * factor
    v = _of_32_bytes(data, at, v[1] * factor, x + w[0])
    w = _of_32_bytes(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z, y, x, v, w


def _siphash(data: np.ndarray, length: int, key: Sequence[int]) -> np.ndarray:
    k0, k1 = (np.array([k % (1 << 64)], np.uint64) for k in key)
    # "somepseudorandomlygeneratedbytes", as the paper has it.
    start = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    keys = (k0, k1, k0, k1)
    v = [np.full(len(data), np.uint64(s)) ^ k for s, k in zip(start, keys, strict=True)]
    padded = np.zeros((len(data), length // 8 * 8 + 8), np.uint8)
    padded[:, :length] = data
    padded[:, -1] = length & 0xFF
    for at in range(0, padded.shape[1], 8):
        word = _word(padded, at)
        v[3] = v[3] ^ word
        v = _sip_round(_sip_round(v))
        v[0] = v[0] ^ word
    v[2] = v[2] ^ np.uint64(0xFF)
    for _ in range(4):
        v = _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_round(v: list[np.ndarray]) -> list[np.ndarray]:
    a, b, c, d = v
    a, c = a + b, c + d
    b, d = _turned(b, 51) ^ a, _turned(d, 48) ^ c
    a = _turned(a, 32)
    c, a = c + b, a + d
    b, d = _turned(b, 47) ^ c, _turned(d, 43) ^ a
    return [a, b, _turned(c, 32), d]
