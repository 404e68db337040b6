"""Hostile files: each known attack, built here, is refused by one named error, in under a second and 200 MB.

CVE numbers name the attack on a loader of such files that a test is like. That nothing happened is looked for, too: no
file was opened, nothing was written, no code ran.
"""

import base64
import io
import json
import marshal
import os
import struct
import sys
import time
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest

import trivium as tv
from trivium.saving import ModelFileError, UnsafeFileError


def network():
    layers = [tv.layers.Dense(5, name="hidden"), tv.layers.Dense(2, name="out")]
    return tv.Sequential([tv.Input((4,)), *layers], name="net")


MODEL = network()
WHOLE = io.BytesIO()
MODEL.save(WHOLE)
PARTS = {i.filename: zipfile.ZipFile(WHOLE).read(i) for i in zipfile.ZipFile(WHOLE).infolist()}
CONFIG = json.loads(PARTS["config.json"])
KERNEL = "layers/dense/vars/0"


@pytest.fixture
def bait(tmp_path):
    """Where an attack reads from, or writes to."""
    folder = tmp_path / "bait"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    with h5py.File(folder / "secret.h5", "w") as file:
        file["data"] = np.full((4, 5), 7.0, "float32")
    return folder


def archive(path, **parts):
    """Write an archive with other parts than the whole one has."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in {**PARTS, **parts}.items():
            file.writestr(name, content)
    return path


def with_config(path, config):
    text = config if isinstance(config, str | bytes) else json.dumps(config)
    return archive(path, **{"config.json": text})


def with_layer(path, module, name, config, **more):
    """Write a model whose last layer is another one."""
    entry = {"module": module, "class_name": name, "config": config, "registered_name": None}
    inner = CONFIG["config"]
    layers = [*inner["layers"][:-1], {**entry, **more}]
    return with_config(path, {**CONFIG, "config": {**inner, "layers": layers}})


def with_setting(path, value):
    """Write a model in which the activation of a layer is another one."""
    config = json.loads(PARTS["config.json"])
    config["config"]["layers"][1]["config"]["activation"] = value
    return with_config(path, config)


def with_weights(path, change):
    """Write a model whose weights are changed by a function of the open file."""
    buffer = io.BytesIO(PARTS["model.weights.h5"])
    with h5py.File(buffer, "a") as file:
        change(file)
    return archive(path, **{"model.weights.h5": buffer.getvalue()})


def code(bait):
    """Return code that leaves a trace, as Keras writes it."""
    function = eval(f"lambda x: open({str(bait / 'ran')!r}, 'w')")
    return base64.b64encode(marshal.dumps(function.__code__)).decode()


# -- configs


def lambda_with_code(path, bait):
    """CVE-2024-3660."""
    function = {"class_name": "__lambda__", "config": {"code": code(bait), "defaults": None}}
    with_layer(path, "keras.layers", "Lambda", {"name": "out", "function": function})


def code_in_a_setting(path, bait):
    with_setting(path, {"class_name": "__lambda__", "config": {"value": {"code": code(bait)}}})


def code_in_the_compile_config(path, bait):
    lamb = {"class_name": "__lambda__", "config": {"code": code(bait)}}
    with_config(path, {**CONFIG, "compile_config": {"optimizer": "sgd", "loss": lamb}})


def code_deep_in_a_list(path, bait):
    deep = [[{"a": {"class_name": "__lambda__", "config": {"code": code(bait)}}}]]
    with_layer(path, "keras.layers", "Dense", {"units": 2, "name": "out", "unknown": deep})


def any_module(path, bait):
    """CVE-2025-1550."""
    with_layer(path, "subprocess", "Popen", {"args": ["touch", str(bait / "ran")]})


def any_function(path, bait):
    """CVE-2025-1550."""
    function = {"module": "os", "class_name": "function", "config": "system"}
    with_setting(path, {**function, "registered_name": "system"})


def a_builtin(path, bait):
    with_setting(path, {"module": "builtins", "class_name": "function", "config": "eval"})


def a_name_with_dots(path, bait):
    with_setting(path, {"module": "builtins", "class_name": "function", "config": "os.system"})


def the_switch_of_safe_mode(path, bait):
    """CVE-2025-9906: the file calls what lets code run, before its code."""
    name = "enable_unsafe_deserialization"
    with_layer(path, "keras.config", name, {"name": "first"})


def safe_mode_in_the_config(path, bait):
    lamb = {"class_name": "__lambda__", "config": {"code": code(bait)}}
    function = {"name": "out", "function": lamb, "safe_mode": False}
    with_layer(path, "keras.layers", "Lambda", function, safe_mode=False)


def a_function_of_the_library(path, bait):
    """CVE-2025-8747: a gadget inside the library, which fetches a file."""
    get_file = {"module": "keras.utils", "class_name": "function", "config": "get_file"}
    arguments = {"origin": "http://localhost/x", "cache_dir": str(bait)}
    config = {"name": "out", "function": get_file, "arguments": arguments}
    with_layer(path, "keras.layers", "Lambda", config)


def the_loader_itself(path, bait):
    load = {"module": "keras.models", "class_name": "function", "config": "load_model"}
    arguments = {"filepath": str(bait / "other.keras"), "safe_mode": False}
    with_layer(path, "keras.layers", "Lambda", {"function": load, "arguments": arguments})


def numpy_load(path, bait):
    with_layer(path, "numpy", "load", {"file": str(bait / "x.npy"), "allow_pickle": True})


def a_path_for_a_name(path, bait):
    with_layer(path, "keras.layers", "Dense", {"units": 2, "name": f"../../{bait.name}"})


def a_name_with_a_nul(path, bait):
    with_layer(path, "keras.layers", "Dense", {"units": 2, "name": "out\0.txt"})


def deep_json(path, bait):
    with_config(path, '{"class_name": "Sequential", "config": ' + "[" * 100_000)


def deep_config(path, bait):
    config = "[" * 900 + "]" * 900
    with_config(path, '{"class_name": "Sequential", "config": {"layers": ' + config + "}}")


def long_json(path, bait):
    with_config(path, b" " * (1 << 26))


def much_of_little(path, bait):
    with_config(path, b'{"class_name": "A", "config": [' + b"[]," * 4_000_000 + b"[]]}")


def long_number(path, bait):
    with_config(path, '{"class_name": "A", "config": {"units": ' + "9" * 4_000_000 + "}}")


def huge_number(path, bait):
    with_config(path, '{"class_name": "A", "config": {"units": 99999999999999999999999}}')


def huge_input(path, bait):
    config = json.loads(PARTS["config.json"])
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 1 << 20, 1 << 40]
    with_config(path, config)


def compiled(path, layers=None, **config):
    """Write a model with something more to be compiled with."""
    whole = json.loads(json.dumps(CONFIG))
    whole["compile_config"] = {"optimizer": "adam", "loss": "mse", **config}
    whole["config"]["layers"][1:] = layers or whole["config"]["layers"][1:]
    with_config(path, json.dumps(whole))


def a_metric_of_many_thresholds(path, bait):
    """16 gigabytes of numbers, which no weight vouches for."""
    settings = {"num_thresholds": 1 << 31}
    metric = {"module": "keras.metrics", "class_name": "AUC", "config": settings}
    compiled(path, metrics=[metric])


def a_metric_of_many_classes(path, bait):
    metric = {
        "module": "keras.metrics",
        "class_name": "MeanIoU",
        "config": {"num_classes": 1 << 31},
    }
    compiled(path, metrics=[metric])


def a_layer_of_many_bins(path, bait):
    with_layer(
        path, "keras.layers", "Discretization", {"bin_boundaries": [0.0], "num_bins": 1 << 31}
    )


def many_neighbors(path, bait):
    with_layer(path, "keras.layers", "TextVectorization", {"ngrams": 1 << 31})


def a_table_of_many_frequencies(path, bait):
    with_layer(path, "keras.layers", "MelSpectrogram", {"fft_length": 1 << 32, "num_mel_bins": 64})


def a_window_of_many_samples(path, bait):
    with_layer(path, "keras.layers", "STFTSpectrogram", {"frame_length": 1 << 32})


def array_of_huge_elements(path, bait):
    numbers = {"class_name": "__numpy__", "config": {"value": [["a"]], "dtype": f"S{1 << 30}"}}
    with_setting(path, numbers)


def array_of_objects(path, bait):
    with_setting(path, {"class_name": "__numpy__", "config": {"value": [1], "dtype": "O"}})


# -- archives


def climbing_member(path, bait):
    """CVE-2025-12060."""
    archive(path, **{"assets/../../bait/ran": b"x"})


def absolute_member(path, bait):
    archive(path, **{f"{bait}/ran": b"x"})


def member_with_backslashes(path, bait):
    archive(path, **{"assets\\..\\ran": b"x"})


def link_as_a_member(path, bait):
    """CVE-2025-12060."""
    info = zipfile.ZipInfo("assets/link")
    info.external_attr = 0o120777 << 16
    archive(path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(info, str(bait / "secret.txt"))


def packed_zeros(path, bait):
    """Ten gigabytes that pack into ten megabytes; a megabyte is enough to see it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in PARTS.items():
            file.writestr(name, bytes(1 << 26) if name.endswith(".h5") else content)


def packed_config(path, bait):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in PARTS.items():
            file.writestr(name, b" " * (1 << 26) if name == "config.json" else content)


def a_size_that_is_not_its_own(path, bait):
    """The table says that the config has 16 exabytes."""
    archive(path)
    data = bytearray(path.read_bytes())
    at = data.rfind(b"config.json") - 46
    data[at + 20 : at + 28] = struct.pack("<LL", 0xFFFFFFF0, 0xFFFFFFF0)
    path.write_bytes(data)


def members_over_each_other(path, bait):
    """A zip bomb without packing: every member is the same bytes."""
    archive(path)
    data = bytearray(path.read_bytes())
    first = data.find(b"PK\1\2")
    start = struct.unpack("<L", data[first + 42 : first + 46])[0]
    second = data.find(b"PK\1\2", first + 4)
    data[second + 42 : second + 46] = struct.pack("<L", start)
    path.write_bytes(data)


def one_name_twice(path, bait):
    archive(path)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("config.json", PARTS["config.json"])


def a_hundred_thousand_members(path, bait):
    data = archive(path).read_bytes()
    entries = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0)
        + b"%06d" % i
        for i in range(100_000)
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, len(entries), len(data), 0)
    path.write_bytes(data + entries + end)


def encrypted(path, bait):
    archive(path)
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\1\2")
    data[at + 8] |= 1
    path.write_bytes(data)


# -- weights


def replaced(path, make):
    def change(file):
        del file[KERNEL]
        make(file)

    with_weights(path, change)


def external_link(path, bait):
    """CVE-2026-1669."""
    link = h5py.ExternalLink(str(bait / "secret.h5"), "data")
    replaced(path, lambda file: file.__setitem__(KERNEL, link))


def soft_link(path, bait):
    replaced(path, lambda file: file.__setitem__(KERNEL, h5py.SoftLink("/layers/dense/vars/1")))


def hard_link(path, bait):
    """One dataset for many weights: a small file fills the memory."""
    with_weights(path, lambda file: file.__setitem__("layers/again", file["layers"]))


def external_storage(path, bait):
    """CVE-2026-1669."""
    outside = [(str(bait / "secret.txt"), 0, h5py.h5f.UNLIMITED)]
    replaced(path, lambda f: f.create_dataset(KERNEL, (4, 5), "float32", external=outside))


def virtual_dataset(path, bait):
    """CVE-2026-1669."""
    layout = h5py.VirtualLayout(shape=(4, 5), dtype="float32")
    layout[:] = h5py.VirtualSource(str(bait / "secret.h5"), "data", shape=(4, 5))
    replaced(path, lambda file: file.create_virtual_dataset(KERNEL, layout))


def more_than_it_stores(path, bait):
    """The config and the weights agree on a layer of four terabytes, of which the file has nothing."""
    config = json.loads(PARTS["config.json"])
    config["config"]["layers"][1]["config"]["units"] = 1 << 38
    buffer = io.BytesIO(PARTS["model.weights.h5"])
    with h5py.File(buffer, "a") as file:
        del file["layers/dense/vars"]
        for i, shape in enumerate([(4, 1 << 38), (1 << 38,)]):
            chunks = (1,) * (len(shape) - 1) + (1 << 20,)
            file.create_dataset(f"layers/dense/vars/{i}", shape, "float32", chunks=chunks)
    parts = {"config.json": json.dumps(config), "model.weights.h5": buffer.getvalue()}
    archive(path, **parts)


def packed_numbers(path, bait):
    zeros = np.zeros((4096, 4096), "float32")
    with_weights(
        path, lambda f: f.create_dataset("z", data=zeros, compression="gzip", chunks=zeros.shape)
    )


def an_unknown_filter(path, bait):
    """A filter that HDF5 would look for among the plugins on this machine."""

    def make(file):
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4, 5))
        plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((4, 5))
        h5py.h5d.create(file["layers/dense/vars"].id, b"0", h5py.h5t.NATIVE_FLOAT, space, plist)
        file[KERNEL][:] = 1.0

    replaced(path, make)


def a_hundred_groups_deep(path, bait):
    with_weights(path, lambda file: file.create_group("/".join("a" * 100)))


CONFIGS = [
    lambda_with_code, code_in_a_setting, code_in_the_compile_config, code_deep_in_a_list, any_module, any_function,
    a_builtin, a_name_with_dots, the_switch_of_safe_mode, safe_mode_in_the_config, a_function_of_the_library,
    the_loader_itself, numpy_load, a_path_for_a_name, a_name_with_a_nul, deep_json, deep_config, long_json,
    much_of_little, long_number, huge_number, huge_input,
    a_metric_of_many_thresholds, a_metric_of_many_classes, a_layer_of_many_bins, many_neighbors,
    a_table_of_many_frequencies, a_window_of_many_samples,
    array_of_huge_elements, array_of_objects,
]  # fmt: skip
ARCHIVES = [
    climbing_member, absolute_member, member_with_backslashes, link_as_a_member, packed_zeros, packed_config,
    a_size_that_is_not_its_own, members_over_each_other, one_name_twice, a_hundred_thousand_members, encrypted,
]  # fmt: skip
WEIGHTS = [
    external_link, soft_link, hard_link, external_storage, virtual_dataset, more_than_it_stores, packed_numbers,
    an_unknown_filter, a_hundred_groups_deep,
]  # fmt: skip


def files(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# What Python does that leaves the process: files, programs, connections. A hook stays for good, so it is one list.
EVENTS = []
_LEAVING = ("open", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")
sys.addaudithook(
    lambda event, args: EVENTS.append((event, str(args[0]))) if event in _LEAVING else None
)


@pytest.mark.parametrize("attack", [*CONFIGS, *ARCHIVES, *WEIGHTS], ids=lambda f: f.__name__)
def test_an_attack_is_refused(attack, bait, tmp_path):
    refused(attack, bait, tmp_path, UnsafeFileError)


def an_optimizer_of_more_than_it_stores(path, bait):
    """An optimizer keeps two numbers for each of a weight's: six gigabytes, of which the file has nothing."""
    layers = json.loads(json.dumps(CONFIG["config"]["layers"][1:]))
    layers[0]["config"]["units"] = 200_000_000
    compiled(path, layers)


def test_an_optimizer_is_made_for_weights_that_are_there(bait, tmp_path):
    refused(an_optimizer_of_more_than_it_stores, bait, tmp_path, ModelFileError)


def refused(attack, bait, tmp_path, kind):
    path = tmp_path / "m.keras"
    attack(path, bait)
    before = files(bait)
    EVENTS.clear()
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(kind) as caught:
        tv.models.load_model(path)
    seconds, memory = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    left = [e for e in EVENTS if e[0] != "open" or str(bait) in e[1]]
    assert not left and ("open", str(path)) in EVENTS
    assert "m.keras" in str(caught.value)
    assert files(bait) == before and sorted(os.listdir(tmp_path)) == ["bait", "m.keras"]
    assert seconds < 1 and memory < 200e6, (seconds, memory)


def test_code_runs_for_the_call_that_allows_it_alone(tmp_path):
    path = tmp_path / "m.keras"
    function = {"class_name": "__lambda__", "config": {"value": {"code": None, "closure": None}}}
    double = eval("lambda x: x * 2")
    function["config"]["value"]["code"] = base64.b64encode(marshal.dumps(double.__code__)).decode()
    with_layer(path, "keras.layers", "Lambda", {"name": "twice", "function": function})
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file, h5py.File(io.BytesIO(PARTS["model.weights.h5"])) as old:
        old.copy("layers/dense", file.create_group("layers"))
    archive_parts = zipfile.ZipFile(path).read("config.json")
    archive(path, **{"config.json": archive_parts, "model.weights.h5": weights.getvalue()})
    x = np.ones((1, 4), "float32")
    model = tv.models.load_model(path, safe_mode=False)
    np.testing.assert_array_equal(model(x), 2 * MODEL.layers[0](x))
    with pytest.raises(UnsafeFileError, match="safe_mode=False"):
        tv.models.load_model(path)
    config = json.loads(archive_parts)
    with pytest.raises(UnsafeFileError, match="code"):
        tv.saving.deserialize_keras_object(config)


@pytest.mark.parametrize("attack", WEIGHTS, ids=lambda f: f.__name__)
def test_a_weight_file_is_no_better(attack, bait, tmp_path):
    attack(tmp_path / "m.keras", bait)
    path = tmp_path / "m.weights.h5"
    path.write_bytes(zipfile.ZipFile(tmp_path / "m.keras").read("model.weights.h5"))
    before = MODEL.weights_sha256()
    with pytest.raises(UnsafeFileError, match=r"m\.weights\.h5"):
        MODEL.load_weights(path)
    assert MODEL.weights_sha256() == before


def test_a_folder_with_links_reads_none_of_them(bait, tmp_path):
    MODEL.save(tmp_path / "m", zipped=False)
    (tmp_path / "m" / "model.weights.h5").unlink()
    (tmp_path / "m" / "model.weights.h5").symlink_to(bait / "secret.h5")
    with pytest.raises(ModelFileError, match=r"has no 'model\.weights\.h5'"):
        tv.models.load_model(tmp_path / "m")
