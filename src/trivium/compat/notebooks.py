"""Running a notebook's cells in a kernel of this environment, with `keras` and `tensorflow` meaning Trivium."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from trivium.compat.run import RunError, no_file

__all__ = ["run_notebook"]

_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r"(?:Cell In\[\d+\]|Input In \[\d+\]|<ipython-input[^>]*>)[^\n]*?line (\d+)")
# What errors of ours begin with: the file that the kernel makes of a cell.
_FILE = re.compile(r"^\S*ipykernel_\d+\S*:\d+: ")


def run_notebook(
    notebook: str | Path, output: str | Path | None = None, timeout: float | None = None
) -> Path:
    """Run a notebook from its first cell to its last, and write it with what its cells show.

    The kernel is one of this very environment, whatever the notebook names; it stands in the notebook's folder and ends
    with the last cell. Where a cell fails, what was shown until then is written all the same.

    Args:
        notebook: The notebook's file.
        output: The file to write; `NAME-run.ipynb` beside the notebook where it is `None`. The notebook itself is
            written over only if it is named here.
        timeout: How many seconds a cell may take; any number of them where it is `None`.

    Returns:
        The file that was written.

    Raises:
        NotFound: There is no such notebook.
        RunError: A cell failed, or uses something that is not covered; the message names the cell and the line.
        ImportError: `nbclient` is not installed.

    Example:
        >>> run_notebook("no/such.ipynb")
        Traceback (most recent call last):
            ...
        trivium.compat.run.NotFound: there is no file 'no/such.ipynb'.
    """
    path = Path(notebook)
    if not path.is_file():
        raise no_file(path, "*.ipynb")
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    except ImportError as error:
        raise ImportError(
            f"`trivium run` runs notebooks with `{error.name}`, which is not installed: "
            "pip install 'trivium[notebook]'."
        ) from None
    try:
        cells = nbformat.read(path, as_version=4)
    except Exception as error:
        raise RunError(f"{str(path)!r} is no notebook: {error}") from None
    client = NotebookClient(
        cells,
        kernel_manager_class=_manager(),
        timeout=timeout,
        startup_timeout=600,  # a busy machine's
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    target = Path(output) if output is not None else path.with_name(f"{path.stem}-run.ipynb")
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise RunError(_message(path, cells, error)) from None
    finally:
        for cell in cells.cells:
            _join_lines(cell)
        nbformat.write(cells, target)
    return target


def _manager() -> Any:
    """Return the class of managers of kernels that run this very Python, with Trivium loaded as an extension."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    words = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--ext=trivium",
             "--log-level=ERROR"]  # fmt: skip

    class Here(KernelSpecManager):
        """Knows one kernel, by any name."""

        def get_kernel_spec(self, kernel_name: str) -> Any:
            """Return it."""
            return KernelSpec(argv=words, display_name="Python 3", language="python")

    class Manager(AsyncKernelManager):
        """Starts it."""

        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.kernel_spec_manager = Here()

    return Manager


# All of a line that was written over, by a carriage return.
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n])")


def _join_lines(cell: Any) -> None:
    """Make one output of what a cell printed in one go, with the last state of lines that were rewritten in place.

    Not `nbclient`'s own way, which moves all that was printed before what was shown between.
    """
    joined: list[Any] = []
    for output in cell.get("outputs", ()):
        last = joined[-1] if joined else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last["text"] += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            output["text"] = _OVERWRITTEN.sub("", output["text"])
    if joined:
        cell["outputs"] = joined


def _message(path: Path, cells: Any, error: Exception) -> str:
    """Say in which cell and line it failed, and how."""
    for number, cell in enumerate(cells.cells, 1):
        for output in cell.get("outputs", ()):
            if output.output_type != "error":
                continue
            said = _COLORS.sub("", "\n".join(output.traceback))
            found = _PLACE.search(said)
            place = f"{path}, cell {number}"
            text = ""
            if found:
                lines = cell.source.splitlines()
                line = int(found[1])
                place += f", line {line}"
                text = f"    {lines[line - 1].strip()}\n" if line <= len(lines) else ""
            reason = _FILE.sub("", output.evalue)
            kind = "" if output.ename.startswith("NotCovered") else f"{output.ename}: "
            return f"{place}:\n{text}{kind}{reason}"
    return f"{path}: {error}"
