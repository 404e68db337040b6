from __future__ import annotations

import hashlib
import http.server
import io
import random
import stat
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oracle import both

from trivium.datasets import files
from trivium.datasets.files import DownloadError, get_file, keras_home

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """A server that misbehaves on demand."""

    requests: list[str]

    def do_GET(self) -> None:
        self.requests.append(self.path)
        redirections = {"/to-file": "file:///etc/hostname", "/to-ftp": "ftp://127.0.0.1/x"}
        if self.path in redirections:
            self.send_response(302)
            self.send_header("Location", redirections[self.path])
            self.end_headers()
        elif self.path == "/moved.bin":
            self.send_response(301)
            self.send_header("Location", "/data.bin")
            self.end_headers()
        elif self.path == "/missing.bin":
            self.send_error(404)
        else:
            self.send_response(200)
            if self.path != "/unsized.bin":
                longer = 10 if self.path == "/short.bin" else 0
                self.send_header("Content-Length", str(len(CONTENT) + longer))
            self.end_headers()
            self.wfile.write(CONTENT)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Handler.requests = []
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "datasets"


def test_a_file_is_fetched_once(server, cache, capsys):
    path = get_file(origin=f"{server}/data.bin?version=3", file_hash=SHA256)
    assert path == str(cache / "data.bin")
    assert Path(path).read_bytes() == CONTENT
    shown = capsys.readouterr()
    assert "data.bin" in shown.err and "256.0/256.0 kB" in shown.err and shown.out == ""
    assert get_file(origin=f"{server}/data.bin?version=3", file_hash=SHA256) == path
    assert len(Handler.requests) == 1
    get_file("data.bin", f"{server}/moved.bin", force_download=True)
    assert Handler.requests[1:] == ["/moved.bin", "/data.bin"]
    assert [p.name for p in cache.iterdir()] == ["data.bin"]


def test_a_size_that_is_not_declared(server, cache):
    path = get_file(origin=f"{server}/unsized.bin", md5_hash=MD5)
    assert Path(path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "arguments",
    [
        {"file_hash": SHA256},
        {"file_hash": SHA256.upper(), "hash_algorithm": "sha256"},
        {"file_hash": MD5},
        {"file_hash": MD5, "hash_algorithm": "md5"},
        {"md5_hash": MD5},
        {"md5_hash": "0" * 32, "file_hash": SHA256},
    ],
)
def test_every_way_to_give_a_checksum(server, cache, arguments):
    assert get_file(origin=f"{server}/data.bin", **arguments)
    with pytest.raises(DownloadError):
        get_file(origin=f"{server}/data.bin", file_hash="0" * 64, force_download=True)


def test_a_stale_file_is_fetched_anew(server, cache, capsys):
    cache.mkdir(parents=True)
    (cache / "data.bin").write_bytes(b"old")
    get_file(origin=f"{server}/data.bin", file_hash=SHA256)
    assert (cache / "data.bin").read_bytes() == CONTENT
    assert "is not the file that was wanted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("page", "checksum", "reason"),
    [
        ("missing.bin", None, "HTTP Error 404: Not Found"),
        ("short.bin", None, f"only {len(CONTENT)} of {len(CONTENT) + 10} bytes came"),
        ("data.bin", "0" * 64, f"what came has SHA-256 {SHA256}"),
        ("to-file", None, "HTTP Error 302"),
        ("to-ftp", None, "unknown url type: ftp"),
    ],
)
@pytest.mark.parametrize("before", [None, b"old"])
def test_a_failed_download_leaves_the_cache_as_it_was(
    server, cache, page, checksum, reason, before
):
    cache.mkdir(parents=True)
    if before:
        (cache / "file.bin").write_bytes(before)
    with pytest.raises(DownloadError) as error:
        get_file("file.bin", f"{server}/{page}", file_hash=checksum, force_download=True)
    assert reason in str(error.value)
    assert f"put it at {cache / 'file.bin'}." in str(error.value)
    assert [p.read_bytes() for p in cache.iterdir()] == ([before] if before else [])


def test_an_interrupted_download_leaves_nothing(server, cache, monkeypatch):
    def interrupt(origin: str, file: Any, label: str) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_transfer", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get_file(origin=f"{server}/data.bin")
    assert list(cache.iterdir()) == []


def test_nobody_listens(cache, server, monkeypatch):
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    with pytest.raises(DownloadError, match=r"refused.*It must have MD5 " + MD5):
        get_file(origin=f"http://127.0.0.1:{port}/data.bin", md5_hash=MD5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`origin` is missing"),
        ({"origin": "ftp://host/a"}, "starts with 'http' or 'https' or 'file'; got 'ftp://host/a'"),
        ({"origin": "data:text/plain,a"}, "starts with 'http'"),
        ({"origin": "/some/file"}, "starts with 'http'"),
        ({"origin": "http://host/"}, "does not end with a file's name: give `fname`"),
        ({"origin": "http://host/.."}, "name without folders; got '..'"),
        ({"origin": "http://host/a", "fname": "../a"}, "name without folders; got '../a'"),
        ({"origin": "http://host/a", "fname": "/a"}, "name without folders; got '/a'"),
        ({"origin": "http://host/a", "fname": "b\\a"}, "name without folders"),
        ({"origin": "http://host/a", "fname": "C:a"}, "name without folders; got 'C:a'"),
        ({"origin": "http://host/a", "hash_algorithm": "sha512"}, "'md5'; got 'sha512'"),
        ({"origin": "http://host/a", "file_hash": "12"}, r"64 \(SHA-256\), 32 \(MD5\). Got '12'"),
        ({"origin": "http://host/a", "file_hash": MD5, "hash_algorithm": "sha256"}, "Got "),
        ({"origin": "http://host/a", "extract": True, "archive_format": "rar"}, "got 'rar'"),
        ({"origin": "http://host/a", "extract": True, "archive_format": None}, "got None"),
        ({"origin": "http://host/a", "extract": True, "archive_format": []}, r"got \[\]"),
    ],
)
def test_bad_arguments_are_refused(cache, arguments, message):
    with pytest.raises(ValueError, match=message):
        get_file(**arguments)
    assert not cache.exists()


def test_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    assert keras_home() == tmp_path / ".keras"
    monkeypatch.setenv("KERAS_HOME", "~/elsewhere")
    assert keras_home() == tmp_path / "elsewhere"
    page = tmp_path / "page.txt"
    page.write_text("hello")
    for arguments, place in [
        ({}, "elsewhere/datasets/page.txt"),
        ({"cache_subdir": "models"}, "elsewhere/models/page.txt"),
        ({"cache_subdir": str(tmp_path / "own")}, "own/page.txt"),
        ({"cache_dir": "~/third"}, "third/datasets/page.txt"),
        ({"cache_dir": tmp_path, "fname": Path("a.txt")}, "datasets/a.txt"),
    ]:
        path = get_file(origin=page.as_uri(), **arguments)
        assert path == str(tmp_path / place) and Path(path).read_text() == "hello"


def tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for info, content in members:
            archive.writestr(info, content)
    return file.getvalue()


def archived(kind: str) -> bytes:
    if kind == "zip":
        return zipped(("top/", b""), ("top/a.txt", b"A"), ("b", b"whole"))
    top, a, b = member("top", tarfile.DIRTYPE), member("top/a.txt"), member("./b")
    return tar((top, b""), (a, b"A"), (b, b"whole"))


TAR, ZIP = archived("tar"), archived("zip")


@pytest.mark.parametrize("name", ["data.tgz", "data"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize("fname", [None, "mine", "mine.v1.bin"])
@pytest.mark.parametrize("extract", [False, True])
def test_places_are_those_of_the_real_keras(tmp_path, name, kind, fname, extract):
    def fetched(library: Any) -> Any:
        archive, folder = tmp_path / name, tmp_path / library.__name__
        whole = archived(kind)  # With its time in it.
        archive.write_bytes(whole)
        folder.mkdir()
        origin = archive.as_uri()
        found = library.utils.get_file(fname, origin, extract=extract, cache_dir=str(folder))
        assert type(found) is str
        tree = {}
        for path in sorted(folder.rglob("*")):
            content = path.is_file() and path.read_bytes()
            name_of_it = str(path.relative_to(folder))
            tree[name_of_it] = "as it came" if content == whole else content
        return str(Path(found).relative_to(folder)), tree

    ours, theirs = both(fetched)
    assert ours == theirs


def test_unpacking_again_mends_the_folder_and_keeps_what_is_not_in_the_archive(tmp_path):
    archive = tmp_path / "data.zip"
    archive.write_bytes(ZIP)
    folder = Path(get_file("data", archive.as_uri(), extract=True, cache_dir=tmp_path))
    (folder / "b").write_bytes(b"changed")
    (folder / "top" / "mine").write_bytes(b"mine")
    archive.unlink()
    assert get_file("data", archive.as_uri(), extract=True, cache_dir=tmp_path) == str(folder)
    assert (folder / "b").read_bytes() == b"whole"
    assert (folder / "top" / "mine").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        (TAR, {"untar": True}),
        (TAR, {"extract": True, "archive_format": "tar"}),
        (TAR, {"extract": True, "archive_format": ["zip", "tar"]}),
        (tar((member("b"), b"whole"), mode="w:xz"), {"untar": True}),
        (ZIP, {"extract": True, "archive_format": "zip"}),
    ],
)
def test_archive_formats(tmp_path, content, arguments):
    archive = tmp_path / "data"
    archive.write_bytes(content)
    folder = get_file(origin=archive.as_uri(), cache_dir=tmp_path, **arguments)
    assert Path(folder, "b").read_bytes() == b"whole"


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (b"text", {"extract": True}, "is not an archive of the format 'tar' or 'zip'"),
        (ZIP, {"untar": True}, "is not an archive of the format 'tar'"),
        (TAR, {"extract": True, "archive_format": "zip"}, "is not an archive of the format 'zip'"),
        (
            tar((member("a"), random.Random(0).randbytes(20000)))[:9000],
            {"extract": True},
            "is damaged",
        ),
        (tar((member("a"), b"A" * 20000), mode="w")[:9000], {"extract": True}, "is damaged"),
        (ZIP.replace(b"whole", b"wrong"), {"extract": True}, "is damaged: Bad CRC-32"),
    ],
)
def test_what_is_no_whole_archive_is_refused(tmp_path, content, arguments, message):
    archive = tmp_path / "data.bin"
    archive.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        get_file("data", archive.as_uri(), cache_dir=tmp_path / "cache", **arguments)
    assert [p.name for p in (tmp_path / "cache" / "datasets").iterdir()] == ["data_archive"]


def zip_link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


GOOD = (member("good.txt"), b"good")


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (tar(GOOD, (member("/tmp/evil"), b"x")), "/tmp/evil", "leads out of"),
        (tar(GOOD, (member("../evil"), b"x")), "../evil", "leads out of"),
        (tar(GOOD, (member("a/../../evil"), b"x")), "a/../../evil", "leads out of"),
        (tar(GOOD, (member("C:\\evil"), b"x")), "C:\\evil", "leads out of"),
        (tar(GOOD, (member("..\\evil"), b"x")), "..\\evil", "leads out of"),
        (tar(GOOD, (member("../evil", tarfile.DIRTYPE), b"")), "../evil", "leads out of"),
        (tar(GOOD, (member("s", tarfile.SYMTYPE, "/etc"), b"")), "s", "is a link"),
        (tar(GOOD, (member("s", tarfile.SYMTYPE, "good.txt"), b"")), "s", "is a link"),
        (tar(GOOD, (member("h", tarfile.LNKTYPE, "../../x"), b"")), "h", "is a link"),
        (tar(GOOD, (member("p", tarfile.FIFOTYPE), b"")), "p", "is a device"),
        (tar(GOOD, (member("d", tarfile.CHRTYPE), b"")), "d", "is a device"),
        (zipped(("good", b""), ("../evil", b"x")), "../evil", "leads out of"),
        (zipped(("good", b""), ("/tmp/evil", b"x")), "/tmp/evil", "leads out of"),
        (zipped(("good", b""), ("..\\evil", b"x")), "..\\evil", "leads out of"),
        (zipped(("good", b""), (zip_link(), b"/etc/passwd")), "link", "is a link"),
    ],
)
def test_a_hostile_archive_is_not_unpacked_at_all(tmp_path, content, name, reason):
    archive = tmp_path / "data.bin"
    archive.write_bytes(content)
    with pytest.raises(ValueError) as error:
        get_file("data", archive.as_uri(), extract=True, cache_dir=tmp_path / "cache")
    assert f"its member {name!r} {reason}" in str(error.value)
    assert str(tmp_path / "cache" / "datasets" / "data_archive") in str(error.value)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["data.bin", "data_archive"]


def test_a_link_that_lies_in_the_folder_already_is_not_followed_out_of_it(tmp_path):
    archive, outside = tmp_path / "data.bin", tmp_path / "outside"
    archive.write_bytes(tar((member("link/evil"), b"x")))
    outside.mkdir()
    folder = tmp_path / "cache" / "datasets" / "data"
    folder.mkdir(parents=True)
    (folder / "link").symlink_to(outside)
    with pytest.raises(ValueError, match="its member 'link/evil' leads out of"):
        get_file("data", archive.as_uri(), extract=True, cache_dir=tmp_path / "cache")
    assert list(outside.iterdir()) == []


def test_an_archive_that_declares_more_than_the_disk_can_hold_is_refused(tmp_path):
    # A sparse file: 2 kB in the archive, 8 EB once written.
    info = member("huge")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "huge",
        "GNU.sparse.size": str(2**62),
        "GNU.sparse.map": "0,1",
    }
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    path = tmp_path / "data.bin"
    path.write_bytes(file.getvalue())
    with pytest.raises(ValueError, match="declare 4,611,686,018,427,387,904 bytes"):
        get_file("data", path.as_uri(), extract=True, cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache" / "datasets" / "data").exists()
