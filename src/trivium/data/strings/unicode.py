"""Strings and the characters of Unicode in them."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.kinds import StringLike
from trivium.data.ragged.array import RaggedArray
from trivium.data.ragged.mapping import on_flat_values
from trivium.data.strings.array import StringArray, as_strings, map_strings
from trivium.data.strings.splitting import in_rows

__all__ = [
    "unicode_decode", "unicode_decode_with_offsets", "unicode_encode", "unicode_script", "unicode_split",
    "unicode_split_with_offsets", "unicode_transcode",
]  # fmt: skip

_REPLACEMENT = 0xFFFD


def _text(string: bytes, encoding: str, errors: str, replacement: int, controls: bool) -> str:
    if errors not in ("strict", "replace", "ignore"):
        raise DataError(f"`errors` is 'strict', 'replace' or 'ignore'; got {errors!r}.")
    try:
        text = string.decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{string[:40]!r} is no text in {encoding}: {error.reason} at byte {error.start}. `errors='replace'` puts "
            "a sign in such places."
        ) from None
    except LookupError:
        raise DataError(f"There is no encoding {encoding!r}; UTF-8 is the most common.") from None
    if replacement != _REPLACEMENT:
        text = text.replace(chr(_REPLACEMENT), chr(replacement))
    if controls:
        text = "".join(chr(replacement) if ord(c) < 0x20 else c for c in text)
    return text


def _codes(found: list[int]) -> Any:
    return jnp.asarray(np.array(found, np.int32))


def unicode_decode(
    input: StringLike,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
) -> Any:
    """Return the code points of the characters of strings, as int32.

    Args:
        input: Strings, also ragged ones.
        input_encoding: What they are encoded in, such as `"UTF-8"`.
        errors: What is done about bytes that are no text: `"strict"` raises, `"replace"` puts `replacement_char` in
            their place, `"ignore"` leaves them out.
        replacement_char: The code point for `"replace"`.
        replace_control_characters: Whether control characters (0 to 31) are replaced, too.

    Returns:
        For one string an array; for several a ragged one with a further axis.

    Raises:
        DataError: Bytes are no text, and `errors` is `"strict"`.

    Example:
        >>> unicode_decode(["né", "a"], "UTF-8")
        RaggedArray([[110, 233], [97]])
    """

    def part(string: bytes) -> list[int]:
        text = _text(string, input_encoding, errors, replacement_char, replace_control_characters)
        return list(map(ord, text))

    return in_rows(input, part, _codes)


def unicode_split(
    input: StringLike,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
) -> Any:
    """Split strings into their characters.

    Args:
        input: Strings, also ragged ones.
        input_encoding: What they are encoded in, and the characters will be.
        errors: As for `unicode_decode`.
        replacement_char: As for `unicode_decode`.

    Example:
        >>> [c.decode() for c in unicode_split("né", "UTF-8").tolist()]
        ['n', 'é']
    """

    def part(string: bytes) -> list[bytes]:
        text = _text(string, input_encoding, errors, replacement_char, False)
        return [c.encode(input_encoding) for c in text]

    return in_rows(input, part, lambda cs: StringArray(np.array(cs, object)))


def _offsets(input: StringLike, encoding: str, errors: str, replacement: int) -> Any:
    """Return at which byte each character begins."""

    def part(string: bytes) -> list[int]:
        text = _text(string, encoding, errors, replacement, False)
        sizes = [len(c.encode(encoding)) for c in text]
        return list(itertools.accumulate(sizes[:-1], initial=0)) if sizes else []

    return in_rows(input, part, _codes)


def unicode_decode_with_offsets(
    input: StringLike,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
) -> tuple[Any, Any]:
    """Return the code points of strings, and at which byte each begins: see `unicode_decode`.

    Args:
        input: Strings, also ragged ones.
        input_encoding: What they are encoded in.
        errors: As for `unicode_decode`.
        replacement_char: As for `unicode_decode`.
        replace_control_characters: As for `unicode_decode`.

    Example:
        >>> [part.tolist() for part in unicode_decode_with_offsets("éa", "UTF-8")]
        [[233, 97], [0, 2]]
    """
    codes = unicode_decode(
        input, input_encoding, errors, replacement_char, replace_control_characters
    )
    return codes, _offsets(input, input_encoding, errors, replacement_char)


def unicode_split_with_offsets(
    input: StringLike,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
) -> tuple[Any, Any]:
    """Return the characters of strings, and at which byte each begins: see `unicode_split`.

    Args:
        input: Strings, also ragged ones.
        input_encoding: What they are encoded in.
        errors: As for `unicode_decode`.
        replacement_char: As for `unicode_decode`.

    Example:
        >>> unicode_split_with_offsets("éa", "UTF-8")[1].tolist()
        [0, 2]
    """
    parts = unicode_split(input, input_encoding, errors, replacement_char)
    return parts, _offsets(input, input_encoding, errors, replacement_char)


def unicode_encode(
    input: StringLike,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
) -> Any:
    """Return strings of the characters whose code points lie along the last axis.

    Args:
        input: Whole numbers, in an array or a ragged one.
        output_encoding: What the strings are encoded in.
        errors: What is done about numbers that are no character: `"strict"`, `"replace"` or `"ignore"`.
        replacement_char: The code point for `"replace"`.

    Raises:
        DataError: A number is no character, and `errors` is `"strict"`.

    Example:
        >>> unicode_encode([110, 97], "UTF-8")
        StringArray(b'na')
    """

    def character(code: int) -> str:
        if 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000:
            return chr(code)
        if errors == "strict":
            raise DataError(f"unicode_encode: {code} is the code point of no character.")
        return chr(replacement_char) if errors == "replace" else ""

    def string(codes: Any) -> bytes:
        return "".join(map(character, codes)).encode(output_encoding)

    if isinstance(input, RaggedArray):
        return input.map_innermost(
            lambda rows: StringArray(np.array([string(r) for r in rows.tolist()], object))
        )
    codes = np.asarray(input)
    made = np.empty(codes.shape[:-1], object)
    for place in np.ndindex(made.shape):
        made[place] = string(codes[place].tolist())
    return StringArray(made)


@on_flat_values
def unicode_transcode(
    input: StringLike,
    input_encoding: str,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = _REPLACEMENT,
    replace_control_characters: bool = False,
) -> Any:
    """Return strings in another encoding.

    Args:
        input: Strings, also ragged ones.
        input_encoding: What they are encoded in.
        output_encoding: What they will be encoded in: `"UTF-8"`, `"UTF-16-BE"` or `"UTF-32-BE"`.
        errors: As for `unicode_decode`.
        replacement_char: As for `unicode_decode`.
        replace_control_characters: As for `unicode_decode`.

    Example:
        >>> unicode_transcode("a", "UTF-8", "UTF-16-BE")
        StringArray(b'\\x00a')
    """

    def other(string: bytes) -> bytes:
        text = _text(string, input_encoding, errors, replacement_char, replace_control_characters)
        return text.encode(output_encoding)

    return map_strings(other, as_strings(input))


# ICU's numbers of scripts are places in this list of their ISO 15924 names; `-` where no character has one.
_NAMES = """
Zyyy Zinh Arab Armn Beng Bopo Cher Copt Cyrl Dsrt Deva Ethi Geor Goth Grek Gujr Guru Hani Hang Hebr Hira Knda
Kana Khmr Laoo Latn Mlym Mong Mymr Ogam Ital Orya Runr Sinh Syrc Taml Telu Thaa Thai Tibt Cans Yiii Tglg Hano
Buhd Tagb Brai Cprt Limb Linb Osma Shaw Tale Ugar - Bugi Glag Khar Sylo Talu Tfng Xpeo Bali Batk - Brah Cham - -
- - Egyp - - - Hmng Hung - Java Kali - - Lepc Lina Mand - Mero Nkoo Orkh Perm Phag Phnx Plrd - - - - - - Vaii -
Xsux - Zzzz Cari - Lana Lyci Lydi Olck Rjng Saur Sgnw Sund - Mtei Armi Avst Cakm - Kthi Mani Phli Phlp - Prti
Samr Tavt - - Bamu Lisu - Sarb Bass Dupl Elba Gran - - Mend Merc Narb Nbat Palm Sind Wara - - Mroo Nshu Shrd
Sora Takr Tang - Hluw Khoj Tirh Aghb Mahj Ahom Hatr Modi Mult Pauc Sidd Adlm Bhks Marc Newa Osge - - - Gonm Soyo
Zanb Dogr Gong Maka Medf Rohg Sogd Sogo Elym Hmnp Nand Wcho Chrs Diak Kits Yezi
"""
_SCRIPTS = _NAMES.split()


@functools.cache
def _number_of(code: int) -> int:
    from fontTools.unicodedata import script  # comes with Matplotlib, which draws the figures

    name = script(chr(code))
    return _SCRIPTS.index(name) if name in _SCRIPTS else 0


@on_flat_values
def unicode_script(input: StringLike) -> Any:
    """Return the scripts that characters are of, as ICU numbers them: 25 is Latin, 8 Cyrillic, 0 common to several.

    Args:
        input: Code points, also ragged ones.

    References:
        https://unicode-org.github.io/icu-docs/apidoc/released/icu4c/uscript_8h.html

    Example:
        >>> unicode_script([97, 1041, 32]).tolist()
        [25, 8, 0]
    """
    codes = np.asarray(input)
    valid = (codes >= 0) & (codes < 0x110000)
    found = [
        _number_of(c) if ok else -1
        for c, ok in zip(codes.ravel().tolist(), valid.ravel(), strict=True)
    ]
    return _codes(found).reshape(codes.shape)
