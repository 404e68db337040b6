"""Files of records, of lines and of pieces of one length: written, read, damaged, gone on with."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pytest

import trivium as tv
from trivium.data import Dataset, RecordWriter, from_bytes, from_records, from_text
from trivium.data.checks import DataError
from trivium.data.records.messages import message, message_names

RECORDS = [b"", b"one", b"two\0", bytes(range(256)) * 5]


def written(path: Path, records: list[bytes] = RECORDS, compression: str | None = None) -> str:
    with RecordWriter(path, compression) as writer:
        for record in records:
            writer.write(record)
    return str(path)


def items(dataset: Dataset) -> list[Any]:
    return [element.item() for element in dataset]


@pytest.mark.parametrize("compression", [None, "GZIP", "zlib"])
def test_records_come_back_as_they_were_written(tmp_path: Path, compression: str | None) -> None:
    path = written(tmp_path / "a", compression=compression)
    assert items(from_records(path, compression=compression)) == RECORDS
    batches = [batch.tolist() for batch in from_records(path, compression=compression).batch(3)]
    assert batches == [RECORDS[:3], RECORDS[3:]]


def test_the_bytes_of_a_file_are_the_format_s(tmp_path: Path) -> None:
    # As TensorFlow 2.21 writes it.
    wanted = "0300000000000000b099490e6162636e57f121"
    assert Path(written(tmp_path / "a", [b"abc"])).read_bytes().hex() == wanted


def test_several_files_come_one_behind_the_other_or_in_turn(tmp_path: Path) -> None:
    for name in "ba":
        written(tmp_path / f"{name}.rec", [f"{name}{i}".encode() for i in range(3)])
    assert items(from_records(tmp_path.as_posix() + "/*.rec")) == [
        b"a0", b"a1", b"a2", b"b0", b"b1", b"b2",
    ]  # fmt: skip
    mixed = Dataset.list_files(f"{tmp_path}/*.rec", shuffle=False).interleave(
        lambda path: from_records(path.item())
    )
    assert items(mixed) == [b"a0", b"b0", b"a1", b"b1", b"a2", b"b2"]


def damage(path: str, at: int, to: bytes = b"\xff") -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(to)


@pytest.mark.parametrize(
    ("at", "words", "kept"),
    [
        # The records lie at 0, 16, 35 and 55.
        (
            16 + 12,
            "record 1 of the file .*, at byte 16 is damaged: the checksum of its data",
            [0, 2, 3],
        ),
        (16 + 15, "record 1 .* checksum of its data", [0, 2, 3]),
        (
            16,
            "record 1 .* checksum of its length does not match. What follows in the file is lost",
            [0],
        ),
        (16 + 7, "record 1 .* checksum of its length", [0]),
        (0, "record 0 .* Is it a file of records", []),
    ],
)
def test_a_damaged_record_is_named_and_can_be_left_out(
    tmp_path: Path, at: int, words: str, kept: list[int]
) -> None:
    path = written(tmp_path / "a")
    damage(path, at)
    with pytest.raises(DataError, match=words):
        items(from_records(path))
    dataset = from_records([path, written(tmp_path / "b", [b"after"])]).ignore_errors()
    assert items(dataset) == [*(RECORDS[i] for i in kept), b"after"]
    assert dataset.errors.count == 1


@pytest.mark.parametrize(("size", "kept"), [(16, 1), (20, 1), (30, 1), (54, 2), (1000, 3)])
def test_a_file_that_is_cut_off(tmp_path: Path, size: int, kept: int) -> None:
    path = Path(written(tmp_path / "a"))
    path.write_bytes(path.read_bytes()[:size])
    if size == 16:  # Between two records there is nothing to see.
        assert items(from_records(path)) == RECORDS[:1]
        return
    with pytest.raises(DataError, match=r"record \d of the file .* is cut off: it has \d+ bytes"):
        items(from_records(path))
    assert items(from_records(path).ignore_errors()) == RECORDS[:kept]


@pytest.mark.parametrize("kind", ["GZIP", "ZLIB"])
def test_a_compressed_file_that_is_cut_off(tmp_path: Path, kind: str) -> None:
    rows = [np.random.default_rng(i).bytes(4000) for i in range(40)]
    path = Path(written(tmp_path / "a", rows, kind))
    path.write_bytes(path.read_bytes()[:90_000])
    dataset = from_records(path, compression=kind).ignore_errors()
    found = items(dataset)
    assert found == rows[: len(found)] and 10 < len(found) < 40 and dataset.errors.count == 1


def test_a_length_that_was_made_up_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a"
    length = struct.pack("<Q", 1 << 60)
    crc = google_crc32c.value(length)
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32
    path.write_bytes(length + struct.pack("<I", masked) + b"little")
    with pytest.raises(DataError, match="cut off"):
        items(from_records(path))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda f: from_records(f"{f}/none"), FileNotFoundError, "from_records` found no file"),
        (lambda f: from_text(f"{f}/*.no"), DataError, "from_text` found no file"),
        (lambda f: from_records([]), DataError, "got no files"),
        (lambda f: RecordWriter(f"{f}/x", "GZPI"), DataError, "Did you mean 'GZIP'"),
        (lambda f: from_bytes(f"{f}", 0), DataError, "size"),
    ],
)
def test_what_cannot_be(tmp_path: Path, call: Any, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_record_is_bytes(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "a") as writer:
        with pytest.raises(TypeError, match=r"got str.*encode"):
            writer.write("text")  # type: ignore[arg-type]
        writer.write(b"kept")
    assert items(from_records(tmp_path / "a")) == [b"kept"]


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "poem"
    path.write_bytes("rosé\r\n\nblue".encode())
    lines = list(from_text(path))
    assert [line.item() for line in lines] == ["rosé", "", "blue"] and lines[0].dtype.kind == "T"
    assert items(from_text(path, encoding=None)) == ["rosé".encode(), b"", b"blue"]
    (tmp_path / "z").write_bytes(gzip.compress(b"a\nb\n"))
    assert items(from_text(tmp_path / "z", compression="GZIP")) == ["a", "b"]
    path.write_bytes(b"one\n\xff\xfe\nthree\n")
    with pytest.raises(DataError, match=r"Line 2 of the file .* is no text in utf-8"):
        items(from_text(path))
    assert items(from_text(path).ignore_errors()) == ["one", "three"]


@pytest.mark.parametrize("pack", [None, "ZLIB"])
def test_pieces_of_one_length(tmp_path: Path, pack: str | None) -> None:
    path, squeeze = tmp_path / "a", zlib.compress if pack else bytes
    path.write_bytes(squeeze(b"head" + b"aabbcc" + b"f"))
    assert items(from_bytes(path, 2, header=4, footer=1, compression=pack)) == [b"aa", b"bb", b"cc"]
    ragged = from_bytes(path, 4, header=4, footer=1, compression=pack)
    with pytest.raises(DataError, match=r"no whole number of records of 4 bytes: of record 1 .* 2"):
        items(ragged)
    assert items(ragged.ignore_errors()) == [b"aabb"]


def test_a_run_over_records_goes_on_to_the_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(24, 3)).astype("float32")
    path = written(tmp_path / "rows", [row.tobytes() for row in rows])

    def trained(epochs: tuple[int, ...]) -> Any:
        for count in epochs:
            tv.utils.set_random_seed(1)
            model = tv.Sequential([tv.Input((2,)), tv.layers.Dense(1)])
            model.compile("sgd", "mse")
            data = from_records(path).map(lambda r: np.frombuffer(r.item(), np.float32))
            data = data.map(lambda row: (row[:2], row[2:])).shuffle(10).batch(4)
            model.fit(data, epochs=count, verbose=0, resume=tmp_path / f"run{len(epochs)}")
        return model.get_weights()[0]

    np.testing.assert_array_equal(trained((2,)), trained((1, 2)))


def test_bytes_keep_their_zeros_on_the_way() -> None:
    pieces = [b"a\0", b"\0\0"]
    assert items(Dataset.from_tensor_slices(pieces)) == pieces
    assert [b.tolist() for b in Dataset.from_tensor_slices(pieces).batch(2)] == [pieces]
    assert items(Dataset.from_tensor_slices(pieces).map(lambda p: p.item())) == pieces


def test_a_saved_dataset_is_written_over_and_resumed(tmp_path: Path) -> None:
    Dataset.range(9).save(tmp_path)
    Dataset.range(3).map(lambda i: (i, np.array("x", object))).save(tmp_path)
    loaded = Dataset.load(tmp_path)
    assert len(loaded) == 3 and [(int(i), t.item()) for i, t in loaded.skip(1)] == [
        (1, "x"),
        (2, "x"),
    ]
    with pytest.raises(FileNotFoundError, match="no saved dataset"):
        Dataset.load(tmp_path / "other")


def test_messages_know_each_other() -> None:
    assert len(set(message_names())) == len(message_names())
    lists = message("Int64List")(value=[-1, 2**40])
    feature = message("Feature")(int64_list=lists)
    assert feature.WhichOneof("kind") == "int64_list"
    example = message("Example")(features=message("Features")(feature={"a": feature}))
    # As TensorFlow 2.21 writes it.
    wire = "0a1b0a190a016112141a120a10ffffffffffffffffff01808080808020"
    assert example.SerializeToString().hex() == wire
    assert message("Example").FromString(bytes.fromhex(wire)) == example
