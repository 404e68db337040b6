"""What a server gets of a training run, and what happens where there is none."""

import http.server
import json
import threading
import urllib.parse

import numpy as np
import pytest

from trivium.training.callbacks import RemoteMonitor

LOGS = {"loss": np.float32(0.5), "f1": np.array([0.25, 1.0]), "accuracy": 1}


@pytest.fixture
def server(monkeypatch):
    """Serve on a free port of this machine until the test ends; note what came, and answer as told."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.server.came.append((self.path, dict(self.headers), body))
            self.send_response(self.server.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.came, serving.answer = [], 200
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def root(server):
    return f"http://127.0.0.1:{server.server_port}"


def test_epochs_arrive_as_forms_or_as_json(server):
    RemoteMonitor(root(server), headers={"X-Key": "k"}).on_epoch_end(2, LOGS)
    RemoteMonitor(root(server), path="/here", send_as_json=True).on_epoch_end(0, {"loss": 0.5})
    RemoteMonitor(root(server), field="it").on_epoch_end(1)
    (path, headers, body), (place, json_headers, text), (_, _, empty) = server.came
    assert path == "/publish/epoch/end/" and place == "/here"
    assert headers["X-Key"] == "k" and "form" in headers["Content-Type"]
    [sent] = urllib.parse.parse_qs(body)["data"]
    assert json.loads(sent) == {"epoch": 2, "loss": 0.5, "f1": [0.25, 1.0], "accuracy": 1}
    assert json_headers["Content-Type"] == "application/json"
    assert json.loads(text) == {"epoch": 0, "loss": 0.5}
    assert json.loads(urllib.parse.parse_qs(empty)["it"][0]) == {"epoch": 1}


def test_a_server_that_refuses_or_is_not_there_is_a_warning(server):
    server.answer = 503
    with pytest.warns(UserWarning, match=r"epoch 3 to http://127.*/publish.*503"):
        RemoteMonitor(root(server)).on_epoch_end(2, LOGS)
    with pytest.warns(UserWarning, match="could not send epoch 1"):
        RemoteMonitor("http://127.0.0.1:1").on_epoch_end(0, LOGS)
