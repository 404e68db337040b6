"""A cache folder that the loaders and the real Keras share, and no network."""

from __future__ import annotations

import hashlib
import io
import socket
import tarfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from arrays import told
from oracle import recorded

from trivium.datasets import _sources


class Cache:
    """Keras's cache folder, filled by the test."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = home / "datasets"
        self.folder.mkdir(parents=True)
        self.held: list[
            Any
        ] = []  # What was put here: it belongs to the definition of what is recorded.
        self._monkeypatch = monkeypatch

    def put_npz(self, name: str, cached_as: str | None = None, **arrays: np.ndarray) -> Path:
        """Write arrays as if they had been fetched."""
        file = io.BytesIO()
        np.savez(file, **arrays)
        said = {key: told(array) for key, array in arrays.items()}
        return self.put(name, file.getvalue(), cached_as, said)

    def put_tar(self, name: str, cached_as: str, members: dict[str, bytes]) -> Path:
        """Write a gzipped tar archive as if it had been fetched."""
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
            for member, content in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        said = {key: told(data) for key, data in members.items()}
        return self.put(name, file.getvalue(), cached_as, said)

    def put(
        self, name: str, content: bytes, cached_as: str | None = None, said: Any = None
    ) -> Path:
        """Write a file as if it had been fetched, and let its checksum be the right one."""
        self.held.append((name, cached_as, said or told(content)))
        path = self.folder / (cached_as or name)
        path.write_bytes(content)
        source = _sources.SOURCES[name]
        checksum = hashlib.new("md5" if len(source.checksum) == 32 else "sha256", content)
        changed = source._replace(checksum=checksum.hexdigest())
        self._monkeypatch.setitem(_sources.SOURCES, name, changed)
        return path


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_name(*args: Any, **kwargs: Any) -> NoReturn:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", no_name)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> Cache:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return Cache(tmp_path, monkeypatch)


@pytest.fixture
def oracle(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what a function of the real Keras's datasets gives on the same cache, whatever its checksums."""

    def call(module: str, function: str = "load_data", **arguments: Any) -> Any:
        def loaded(keras: Any) -> Any:
            from keras.src.backend import config
            from keras.src.utils import file_utils

            monkeypatch.setattr(config, "_KERAS_DIR", str(cache.folder.parent))
            monkeypatch.setattr(file_utils, "validate_file", lambda *args, **kwargs: True)
            with warnings.catch_warnings():
                # Old pickles name `numpy.core`, at which the real Keras's reader makes NumPy warn.
                warnings.simplefilter("ignore", DeprecationWarning)
                return told(getattr(getattr(keras.datasets, module), function)(**arguments))

        return recorded(loaded)

    return call
