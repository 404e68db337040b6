"""The compilation cache: programs that XLA compiled, kept in a folder for the next process.

JAX has the cache (https://docs.jax.dev/en/latest/persistent_compilation_cache.html): a program's text, the versions and
the options are its key. Here it gets one setting, and what a folder that lives for years needs: a bound, a folder for
each kind of CPU, since programs for another's instructions would end the process, and nobody else who can write there,
since what is read from it is run. It is off unless somebody turns it on: a library that is imported should not begin to
write to one's home. `trivium run` is a program of its own, and does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import jax

__all__ = ["compilation_cache", "kept_programs", "set_compilation_cache"]

VARIABLE = "TRIVIUM_COMPILATION_CACHE"
# Programs of a small network take 100 kB together, those of a deep one 10 MB.
LIMIT = 1 << 30
# To look through a folder takes 3 ms for each thousand programs in it, which is not for each start of a process.
_DAY = 24 * 60 * 60

_NAME_ANOTHER = (
    f"Give a folder that you can write to, as {VARIABLE}=FOLDER or `set_compilation_cache(FOLDER)`."
)
_WORDS = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False, "": False}


def compilation_cache() -> Path | None:
    """Return the folder in which compiled programs are kept; `None` where they are not.

    Example:
        >>> compilation_cache() is None
        True
    """
    folder = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    return Path(folder) if folder else None


def set_compilation_cache(where: bool | str | os.PathLike[str] = True) -> None:
    """Keep compiled programs for the next process, which then compiles none that it has in common with this one.

    The environment variable `TRIVIUM_COMPILATION_CACHE` does the same from outside, before a program starts: `1`, or a
    folder. Once a day, the process that starts first removes what was longest not used, where it finds more than a
    gigabyte. Several processes may use one folder at once.

    Args:
        where: `True` for the user's folder (`$XDG_CACHE_HOME/trivium/programs`, by default below `~/.cache`), or the
            one that JAX was already given; a folder of your own; `False` to keep nothing.

    Raises:
        ValueError: Nothing can be written there, or others can: what a cache holds is run. Nothing has changed then.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     set_compilation_cache(folder)
        ...     compilation_cache().parent == Path(folder)
        ...     set_compilation_cache(False)
        True
    """
    if where is False:
        _use(None)
    elif where is True and compilation_cache():
        _use(compilation_cache())
    else:
        folder = _folder(_home() if where is True else Path(where).expanduser())
        if _is_due(folder):
            _trim(folder, LIMIT)
        _use(folder)


@contextlib.contextmanager
def kept_programs(wanted: bool = True) -> Iterator[None]:
    """Keep compiled programs in the user's folder while the `with` block lasts, as `trivium run` does.

    What the environment says of it holds; and where nothing can be kept, nothing is: nobody asked for it.

    Args:
        wanted: Whether to keep and read them; `False` does neither, whatever the environment says.

    Example:
        >>> with kept_programs(False):
        ...     compilation_cache() is None
        True
    """
    before = compilation_cache()
    least = jax.config.jax_persistent_cache_min_compile_time_secs  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        if not wanted:
            set_compilation_cache(False)
        elif VARIABLE not in os.environ:
            # A full disk, or an entry that another process is just writing: what fails is compiled, as without a cache.
            warnings.filterwarnings("ignore", "Error (read|writ)ing persistent compilation cache")
            with contextlib.suppress(ValueError):
                set_compilation_cache()
        try:
            yield
        finally:
            _use(before)
            jax.config.update("jax_persistent_cache_min_compile_time_secs", least)


def _use(folder: Path | None) -> None:
    if folder != compilation_cache():
        from jax.experimental.compilation_cache import compilation_cache as of_jax

        of_jax.reset_cache()
        jax.config.update("jax_compilation_cache_dir", str(folder) if folder else None)
    if folder:
        # JAX leaves out what took less than a second, which is most of a small program.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _home() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    return Path(given or Path("~/.cache").expanduser()) / "trivium" / "programs"


def _folder(root: Path) -> Path:
    """Make the folder for this machine's kind of CPU; a home may be shared by machines of several kinds."""
    folder = root.absolute() / f"{platform.machine()}-{_cpu()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ValueError(
            f"Compiled programs cannot be kept in {str(folder)!r}: {error.strerror}. {_NAME_ANOTHER}"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(
            f"Compiled programs cannot be kept in {str(folder)!r}: it is not yours to write to. {_NAME_ANOTHER}"
        )
    state = folder.stat()
    if hasattr(os, "getuid") and (state.st_uid != os.getuid() or state.st_mode & 0o022):
        raise ValueError(
            f"Compiled programs are not read from {str(folder)!r}: others can write there, and what is read is run. "
            f"Take their rights away (chmod go-w), or give a folder of your own."
        )
    return folder


def _cpu() -> str:
    """Return a few letters for what this CPU can do."""
    try:
        # The first CPU's model and instructions, as Linux tells them on x86 and on ARM.
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        lines = [platform.processor()]
    kinds = ("model name", "flags", "features", "cpu implementer", "cpu part")
    told = [line for line in lines if line.lower().startswith(kinds)] or [platform.processor()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:10]


def _is_due(folder: Path) -> bool:
    """Say whether nobody has looked through the folder for a day, and note that somebody does now."""
    mark = folder / "looked-through"
    try:
        if time.time() - mark.stat().st_mtime < _DAY:
            return False
        os.utime(mark)
    except OSError:
        with contextlib.suppress(OSError):
            mark.touch(mode=0o600)
    return True


def _trim(folder: Path, limit: int) -> None:
    """Remove the files that were longest not used, until a tenth of so many bytes is free."""
    found = []
    for entry in os.scandir(folder):
        state = entry.stat(follow_symlinks=False)
        if entry.name.endswith("-cache"):  # JAX's name for them.
            # Some disks do not note when a file is read; then the oldest goes.
            used = max(state.st_atime, state.st_mtime)
            found.append((used, state.st_size, entry.path))
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return
    for _, size, path in sorted(found):
        Path(path).unlink(missing_ok=True)  # Another process may trim, too.
        total -= size
        if total <= limit * 0.9:
            return


def _from_environment() -> None:
    text = os.environ.get(VARIABLE, "")
    where = _WORDS.get(text.lower(), text)
    if where is False:
        return  # What JAX itself was told stays.
    try:
        set_compilation_cache(where)
    except ValueError as error:
        # The program can do without.
        warnings.warn(str(error), stacklevel=2)


_from_environment()
