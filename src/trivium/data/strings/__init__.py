"""Strings on the host: an array of them, and what is done to text before it becomes numbers.

Functions take strings as they come (one string, lists, arrays of NumPy, a `StringArray`), in any shape and in rows of
their own lengths, and have TensorFlow's names and arguments, so that a habit from there holds here.

Example:
    >>> words = split(lower(["A cat", "the DOG sat"]))
    >>> words, words.row_lengths().tolist()
    (RaggedArray([[b'a', b'cat'], [b'the', b'dog', b'sat']]), [2, 3])
"""

from trivium.data.strings.array import StringArray, as_strings, map_strings
from trivium.data.strings.crossing import cross, cross_hashed
from trivium.data.strings.editing import (
    join,
    length,
    lower,
    reduce_join,
    regex_full_match,
    regex_replace,
    strip,
    substr,
    upper,
)
from trivium.data.strings.hashing import (
    to_hash_bucket,
    to_hash_bucket_fast,
    to_hash_bucket_strong,
)
from trivium.data.strings.numbers import as_string, format, summary, to_number
from trivium.data.strings.splitting import bytes_split, ngrams, split
from trivium.data.strings.unicode import (
    unicode_decode,
    unicode_decode_with_offsets,
    unicode_encode,
    unicode_script,
    unicode_split,
    unicode_split_with_offsets,
    unicode_transcode,
)

__all__ = [
    "StringArray",
    "as_string",
    "as_strings",
    "bytes_split",
    "cross",
    "cross_hashed",
    "format",
    "join",
    "length",
    "lower",
    "map_strings",
    "ngrams",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "split",
    "strip",
    "substr",
    "summary",
    "to_hash_bucket",
    "to_hash_bucket_fast",
    "to_hash_bucket_strong",
    "to_number",
    "unicode_decode",
    "unicode_decode_with_offsets",
    "unicode_encode",
    "unicode_script",
    "unicode_split",
    "unicode_split_with_offsets",
    "unicode_transcode",
    "upper",
]
