"""Each epoch's results, sent to a server."""

from __future__ import annotations

import json
import urllib.parse
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trivium.training.callbacks.base import Callback, Logs

if TYPE_CHECKING:
    import urllib.request

__all__ = ["RemoteMonitor"]

# A server that does not answer holds the training up for so long, once an epoch.
_SECONDS = 10.0


class RemoteMonitor(Callback):
    """Sends each epoch's results to a server, as an HTTP POST of JSON.

    A server that is not there, or that refuses, is a warning: the training goes on.

    Args:
        root: The server.
        path: Where on it.
        field: The name of the form's field that holds the JSON.
        headers: Further HTTP headers.
        send_as_json: Send the JSON itself, as `application/json`, in place of a form.

    Example:
        >>> RemoteMonitor("http://localhost:9000", send_as_json=True).request(0, {"loss": 0.5}).data
        b'{"epoch": 0, "loss": 0.5}'
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def request(self, epoch: int, logs: Logs) -> urllib.request.Request:
        """Return what is sent after an epoch.

        Args:
            epoch: The epoch, counted from 0.
            logs: Its results.
        """
        import urllib.request

        results = {name: np.asarray(value).tolist() for name, value in logs.items()}
        text = json.dumps({"epoch": epoch, **results})
        kind = "json" if self.send_as_json else "x-www-form-urlencoded"
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        headers = {"Content-Type": f"application/{kind}", **(self.headers or {})}
        return urllib.request.Request(self.root + self.path, body.encode(), headers, method="POST")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Send the epoch's results."""
        import urllib.error
        import urllib.request

        try:
            with urllib.request.urlopen(self.request(epoch, logs or {}), timeout=_SECONDS):
                pass
        except OSError as error:  # `URLError`, `HTTPError` and what sockets raise.
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            warnings.warn(
                f"RemoteMonitor could not send epoch {epoch + 1} to {self.root + self.path}: {error}",
                stacklevel=2,
            )
