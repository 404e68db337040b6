"""What one process compiled, the next one reads; the folder is bounded, and nobody else's."""

import json
import os
import subprocess
import sys

import jax
import pytest
from compiling import quick_environment

from trivium import cli, config
from trivium.state import compilation_cache as room

# A user's program: a model trained, evaluated, asked and called. It tells how often XLA was asked, and what it did.
PROGRAM = """
import json
import jax
counts = {"cache_hits": 0, "cache_misses": 0}

def count(event, **_):
    name = event.rpartition("/")[2]
    counts[name] = counts.get(name, 0) + 1

jax.monitoring.register_event_listener(count)
import numpy as np
import trivium as tv

tv.utils.set_random_seed(1)
model = tv.Sequential([tv.Input((3,)), tv.layers.Dense(4, "relu"), tv.layers.Dropout(0.5), tv.layers.Dense(2)])
model.compile("adam", "mse", metrics=["mae"])
x = np.arange(30, dtype="float32").reshape(10, 3) / 30
model.fit(x, x[:, :2], batch_size=4, validation_split=0.2, verbose=0)
model.predict(x, verbose=0), model(x[:1])
print(json.dumps(counts | {"weights": str(model.weights_sha256())}))
"""


def run(**environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, check=True,
        env={**quick_environment(), **environment},
    )  # fmt: skip
    return json.loads(done.stdout), done.stderr


@pytest.fixture(autouse=True)
def _as_before():
    before = jax.config.jax_persistent_cache_min_compile_time_secs
    yield
    config.set_compilation_cache(False)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", before)


def test_a_second_process_compiles_nothing_and_says_nothing(tmp_path):
    first, _ = run(TRIVIUM_COMPILATION_CACHE=str(tmp_path))
    second, said = run(TRIVIUM_COMPILATION_CACHE=str(tmp_path))
    assert first["cache_misses"] > 2 and first["cache_hits"] == 0
    assert second["cache_misses"] == 0 and second["cache_hits"] == first["cache_misses"]
    assert second["weights"] == first["weights"] and said == ""


def test_the_folder_of_a_kind_of_cpu_is_made_and_one_s_own(tmp_path):
    config.set_compilation_cache(tmp_path / "deep" / "programs")
    folder = config.compilation_cache()
    assert folder.parent == tmp_path / "deep" / "programs"
    assert folder.stat().st_mode & 0o777 == 0o700
    jax.jit(lambda x: x * 3 + 1)(2.0)
    assert list(folder.glob("*-cache"))
    config.set_compilation_cache(False)
    assert config.compilation_cache() is None


def test_true_is_the_user_s_folder_or_the_one_that_jax_was_given(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config.set_compilation_cache()
    assert config.compilation_cache().parent == tmp_path / "trivium" / "programs"
    config.set_compilation_cache(False)
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "of_jax"))
    config.set_compilation_cache(True)
    assert config.compilation_cache() == tmp_path / "of_jax"
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 0


def test_what_cannot_be_written_or_is_others_is_refused_and_nothing_changes(tmp_path):
    config.set_compilation_cache(tmp_path)
    folder = config.compilation_cache()
    (tmp_path / "file").touch()
    with pytest.raises(
        ValueError, match=r"cannot be kept in '.*file.*: Not a directory. Give a folder"
    ):
        config.set_compilation_cache(tmp_path / "file")
    folder.chmod(0o777)
    with pytest.raises(ValueError, match=r"are not read from .*others can write there.*chmod go-w"):
        config.set_compilation_cache(tmp_path)
    assert config.compilation_cache() == folder


@pytest.mark.parametrize("text", ["", "0", "off", "False"])
def test_the_environment_says_no(text, monkeypatch):
    monkeypatch.setenv(room.VARIABLE, text)
    room._from_environment()
    assert config.compilation_cache() is None


def test_a_folder_that_fails_is_a_warning_where_the_environment_names_it(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(room.VARIABLE, str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="Not a directory"):
        room._from_environment()
    assert config.compilation_cache() is None


def test_what_was_longest_not_used_makes_room_and_other_files_stay(tmp_path):
    for i, name in enumerate(["a-cache", "b-cache", "c-cache", "mine"]):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (1000 + i, 1000 + i))
    os.utime(tmp_path / "a-cache", (2000, 1000))  # Read since.
    room._trim(tmp_path, 300)
    assert len(list(tmp_path.iterdir())) == 4
    room._trim(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-cache", "c-cache", "mine"]


def test_a_folder_is_looked_through_once_a_day(tmp_path):
    assert [room._is_due(tmp_path), room._is_due(tmp_path)] == [True, False]
    os.utime(tmp_path / "looked-through", (1000, 1000))
    assert [room._is_due(tmp_path), room._is_due(tmp_path)] == [True, False]
    assert room._is_due(tmp_path / "of nobody")


def test_a_program_that_is_run_keeps_what_it_compiles(tmp_path, monkeypatch, capsys):
    script = tmp_path / "train.py"
    script.write_text(
        "from trivium import config\nfound = config.compilation_cache()\nprint(found and found.parent.name)\n"
    )
    home = tmp_path / "home"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))

    def said(*words):
        assert cli.main(["run", *words, str(script)]) == 0
        assert config.compilation_cache() is None  # As before.
        return capsys.readouterr().out.strip()

    monkeypatch.setenv(room.VARIABLE, "0")
    assert said() == "None" and not home.exists()
    monkeypatch.delenv(room.VARIABLE)
    assert said("--no-cache") == "None" and not home.exists()
    assert said() == "programs" and home.exists()
    # A home that is full or not one's own: the program does without, in silence.
    monkeypatch.setenv("XDG_CACHE_HOME", str(script))
    assert said() == "None" and capsys.readouterr().err == ""


def test_a_program_cut_short_is_compiled_anew(tmp_path):
    config.set_compilation_cache(tmp_path)
    work = lambda x: x * 5 + 2  # noqa: E731
    jax.jit(work)(2.0)
    for path in config.compilation_cache().glob("*-cache"):
        path.write_bytes(path.read_bytes()[:40])
    jax.clear_caches()
    with pytest.warns(UserWarning, match="Error reading persistent compilation cache"):
        assert jax.jit(work)(2.0) == 12
