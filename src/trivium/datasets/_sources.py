"""Where the datasets come from that are too large to ship: one row a file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

__all__ = ["SOURCES", "Source", "fetch"]

_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"


class Source(NamedTuple):
    """A file in the network: the folder it lies in, its checksum, its size in megabytes."""

    folder: str
    checksum: str
    megabytes: float


SOURCES = {
    "boston_housing.npz": Source(
        _KERAS, "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5", 0.06
    ),
    "california_housing.npz": Source(
        _KERAS, "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f", 0.7
    ),
    "cifar-10-python.tar.gz": Source(
        _TORONTO, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce", 170
    ),
    "cifar-100-python.tar.gz": Source(
        _TORONTO, "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7", 169
    ),
    "imdb.npz": Source(
        _KERAS, "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f", 17
    ),
    "imdb_word_index.json": Source(_KERAS, "bfafd718b763782e994055a2d397834f", 1.6),
    "mnist.npz": Source(
        _KERAS, "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1", 11
    ),
    "reuters.npz": Source(
        _KERAS, "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916", 2
    ),
    "reuters_word_index.json": Source(_KERAS, "4d44cc38712099c9e383dc6e5f11a921", 0.6),
}


def fetch(name: str, cached_as: str | None = None) -> Path:
    """Return the path of a dataset's file in the cache, fetching it if it is not there.

    Args:
        name: The file's name where it comes from, a key of `SOURCES`.
        cached_as: Its name in the cache; by default the same.

    Raises:
        DownloadError: It could not be fetched; the message says where to put it by hand.
    """
    from trivium.datasets.files import DownloadError, get_file

    source = SOURCES[name]
    try:
        path = get_file(cached_as or name, source.folder + name, file_hash=source.checksum)
    except DownloadError as error:
        size = f"It has about {source.megabytes:g} MB."
        raise DownloadError(
            f"The file {name!r} of the dataset is missing. {error} {size}"
        ) from error
    return Path(path)
