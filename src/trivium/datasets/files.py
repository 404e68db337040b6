"""Files from the network: fetched once, checked, kept in Keras's cache folder, unpacked with care.

What is fetched is data and a stranger's: a download appears under its name only when it is whole
and its checksum fits, and an archive is unpacked only when every member is a plain file or folder
inside the target.
"""

from __future__ import annotations

import hashlib
import http.client
import lzma
import os
import shutil
import stat
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import IO, Any, NamedTuple

__all__ = ["DownloadError", "get_file", "keras_home"]

_SCHEMES = ("http", "https", "file")
_HASHES = {"sha256": ("SHA-256", 64), "md5": ("MD5", 32)}
_SECONDS_OF_SILENCE = 60
_BLOCK = 1 << 16


class DownloadError(OSError):
    """A file could not be fetched, or what came was not the file that was wanted."""


def keras_home() -> Path:
    """Return the folder that Keras's cache lives in: `$KERAS_HOME`, else `~/.keras`.

    Example:
        >>> keras_home().is_absolute() or "KERAS_HOME" in os.environ
        True
    """
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Return the path of a file from the network, fetching it if the cache does not have it.

    Args:
        fname: Its name in the cache, without folders; by default the last part of `origin`.
            Of an archive to unpack: the folder's name when it has no dot.
        origin: Where it comes from: an `http`, `https` or `file` URL.
        untar: The older way to say `extract=True, archive_format="tar"`.
        md5_hash: The older way to say `file_hash=..., hash_algorithm="md5"`.
        file_hash: The checksum that the file must have.
        cache_subdir: The folder within the cache folder; an absolute path stands for itself.
        hash_algorithm: `"sha256"`, `"md5"`, or `"auto"`: told by the checksum's length.
        extract: Whether to unpack it as an archive.
        archive_format: `"tar"`, `"zip"`, a list of these, or `"auto"` for both.
        cache_dir: The cache folder; by default `$KERAS_HOME`, else `~/.keras`.
        force_download: Fetch it even if the cache has it.

    Returns:
        The path of the file, or, of an unpacked archive, of its folder.

    Raises:
        ValueError: An argument cannot be used, or the archive holds what may not be unpacked.
        DownloadError: The file did not come, or came with another checksum; the cache is as before.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = Path(folder, "page.txt")
        ...     _ = page.write_text("hello")
        ...     Path(get_file(origin=page.as_uri(), cache_dir=folder)).read_text()
        'hello'
    """
    checksum = _Checksum.of(md5_hash, file_hash, hash_algorithm)
    formats = _formats("tar" if untar else archive_format) if extract or untar else None
    name = _file_name(fname, origin)
    folder = Path(cache_dir or keras_home()).expanduser() / cache_subdir
    target, unpacked = folder / name, folder / name
    if formats:
        stem, dot, _ = name.partition(".")
        if fname and dot:
            unpacked = folder / f"{stem}_extracted"
        else:
            target = folder / f"{name}_archive"
    _obtain(str(origin), target, checksum, force_download)
    if formats:
        _extract(target, unpacked, formats)
    return str(unpacked if formats else target)


def _file_name(fname: str | os.PathLike[str] | None, origin: str | None) -> str:
    if not origin:
        raise ValueError("`origin` is missing: give the URL of the file.")
    url = urllib.parse.urlsplit(origin)
    if url.scheme not in _SCHEMES:
        raise ValueError(f"`origin` is a URL that starts with {_either(_SCHEMES)}; got {origin!r}.")
    name = os.fspath(fname) if fname else url.path.rpartition("/")[2]
    if not name:
        raise ValueError(f"{origin!r} does not end with a file's name: give `fname`.")
    if name in {".", ".."} or "/" in name or PureWindowsPath(name).name != name:
        raise ValueError(
            f"`fname` is a name without folders; got {name!r}. The folder is chosen by `cache_dir` "
            "and `cache_subdir`."
        )
    return name


class _Checksum(NamedTuple):
    algorithm: str
    digest: str

    @classmethod
    def of(cls, md5_hash: str | None, file_hash: str | None, algorithm: str) -> _Checksum | None:
        if algorithm not in {"auto", *_HASHES}:
            raise ValueError(
                f"`hash_algorithm` is {_either(['auto', *_HASHES])}; got {algorithm!r}."
            )
        if file_hash is None:
            file_hash, algorithm = md5_hash, "md5"
        if file_hash is None:
            return None
        for known, (_, length) in _HASHES.items():
            if algorithm in {"auto", known} and len(file_hash) == length:
                return cls(known, file_hash.lower())
        lengths = ", ".join(f"{length} ({title})" for title, length in _HASHES.values())
        raise ValueError(
            f"A checksum has as many hexadecimal digits as its algorithm asks for: {lengths}. "
            f"Got {file_hash!r} for {algorithm!r}."
        )

    def found_in(self, path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(
                file, partial(hashlib.new, self.algorithm, usedforsecurity=False)
            ).hexdigest()

    def __str__(self) -> str:
        return f"{_HASHES[self.algorithm][0]} {self.digest}"


def _obtain(origin: str, target: Path, checksum: _Checksum | None, force: bool) -> None:
    """See to it that `target` is there with the right checksum."""
    stale = ""
    if target.exists() and not force:
        found = checksum.found_in(target) if checksum else ""
        if checksum is None or found == checksum.digest:
            return
        stale = f" The file that is there now has {_HASHES[checksum.algorithm][0]} {found}."
        print(f"{target} is not the file that was wanted; fetching it anew.", file=sys.stderr)
    try:
        _download(origin, target, checksum)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = error.reason if type(error) is urllib.error.URLError else error
        wanted = f" It must have {checksum}." if checksum else ""
        raise DownloadError(
            f"Could not get {origin}: {reason}. If you have the file from "
            f"elsewhere, put it at {target}.{wanted}{stale}"
        ) from error


def _download(origin: str, target: Path, checksum: _Checksum | None) -> None:
    """Fetch into a temporary neighbor and rename: nobody ever sees half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            _transfer(origin, file, target.name)
        found = checksum.found_in(part) if checksum else ""
        if checksum and found != checksum.digest:
            title = _HASHES[checksum.algorithm][0]
            raise DownloadError(f"what came has {title} {found}, so it is damaged or another file")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _transfer(origin: str, file: IO[bytes], label: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with (
        _opener().open(origin, timeout=_SECONDS_OF_SILENCE) as response,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        declared = response.headers.get("Content-Length") or ""
        total = int(declared) if declared.isdigit() else None
        task = progress.add_task(label, total=total)
        while block := response.read(_BLOCK):
            file.write(block)
            progress.advance(task, len(block))
    if total is not None and file.tell() != total:
        raise DownloadError(f"only {file.tell()} of {total} bytes came")


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener that knows our schemes alone, for redirections too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.FileHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


class _Member(NamedTuple):
    """What unpacking needs to know of a member, whatever the archive's format."""

    name: str
    size: int
    kind: str
    open: Callable[[], Any]


def _tar_members(archive: tarfile.TarFile) -> list[_Member]:
    def kind(info: tarfile.TarInfo) -> str:
        if info.issym() or info.islnk():
            return "link"
        return "file" if info.isreg() else "folder" if info.isdir() else "device"

    return [
        _Member(info.name, info.size, kind(info), partial(archive.extractfile, info))
        for info in archive.getmembers()
    ]


def _zip_members(archive: zipfile.ZipFile) -> list[_Member]:
    def kind(info: zipfile.ZipInfo) -> str:
        if stat.S_ISLNK(info.external_attr >> 16):
            return "link"
        return "folder" if info.is_dir() else "file"

    return [
        _Member(info.filename, info.file_size, kind(info), partial(archive.open, info))
        for info in archive.infolist()
    ]


class _Format(NamedTuple):
    recognizes: Callable[[Path], bool]
    open: Callable[[Path], Any]
    members: Callable[[Any], list[_Member]]


_FORMATS = {
    "tar": _Format(tarfile.is_tarfile, tarfile.open, _tar_members),
    "zip": _Format(zipfile.is_zipfile, zipfile.ZipFile, _zip_members),
}


def _formats(archive_format: str | Sequence[str] | None) -> list[str]:
    if archive_format == "auto":
        return list(_FORMATS)
    names = [archive_format] if isinstance(archive_format, str) else list(archive_format or ())
    if not names or not set(names) <= set(_FORMATS):
        raise ValueError(
            f"To unpack, `archive_format` is {_either(['auto', *_FORMATS])} or a list of the last "
            f"two; got {archive_format!r}."
        )
    return names


def _extract(path: Path, folder: Path, formats: list[str]) -> None:
    """Unpack an archive: all of it, or, if any member may not be unpacked, nothing."""
    known = next((_FORMATS[name] for name in formats if _FORMATS[name].recognizes(path)), None)
    if known is None:
        raise ValueError(f"{path} is not an archive of the format {_either(formats)}.")
    new = not folder.exists()
    try:
        with known.open(path) as archive:
            members = known.members(archive)
            _check_members(members, path, folder)
            folder.mkdir(parents=True, exist_ok=True)
            for member in members:
                _write_member(member, folder)
    except BaseException as error:
        if new:
            shutil.rmtree(folder, ignore_errors=True)
        damaged = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
        if isinstance(error, damaged):
            raise ValueError(f"{path} is damaged: {error}. Delete it to fetch it anew.") from error
        raise


def _check_members(members: list[_Member], path: Path, folder: Path) -> None:
    root = folder.resolve()
    for member in members:
        place = PureWindowsPath(member.name)
        inside = not place.anchor and ".." not in place.parts
        if member.kind not in {"file", "folder"}:
            reason = f"is a {member.kind}"
        elif not inside or not (root / member.name).resolve().is_relative_to(root):
            reason = f"leads out of {folder}"
        else:
            continue
        raise ValueError(f"{path} was not unpacked: its member {member.name!r} {reason}.")
    declared = sum(member.size for member in members)
    free = shutil.disk_usage(path.parent).free
    if declared > free:
        raise ValueError(
            f"{path} was not unpacked: its members declare {declared:,} bytes; {free:,} are free."
        )


def _write_member(member: _Member, folder: Path) -> None:
    target = folder / member.name
    if member.kind == "folder":
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    with member.open() as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy, _BLOCK)


def _either(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names)
