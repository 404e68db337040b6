"""Running programs: what imports mean, what stops them and how it is said, what is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trivium
from trivium.compat import NotCovered, NotFound, RunError, active, run_module, run_script
from trivium.compat.hook import Face, install, is_installed, uninstall
from trivium.compat.vocabulary import absence

Run = Callable[..., dict[str, Any]]
Refusal = Callable[[str], str]


@pytest.mark.parametrize(
    "text",
    [
        "import keras; Dense = keras.layers.Dense",
        "from keras import layers; Dense = layers.Dense",
        "import keras.layers as L; Dense = L.Dense",
        "import keras.layers; Dense = keras.layers.Dense",
        "from keras.layers import Dense",
        "from keras.layers import *",
        "import tensorflow as tf; Dense = tf.keras.layers.Dense",
        "import tensorflow; Dense = tensorflow.keras.layers.Dense",
        "import tensorflow.keras.layers as L; Dense = L.Dense",
        "from tensorflow import keras; Dense = keras.layers.Dense",
        "from tensorflow.keras import layers; Dense = layers.Dense",
        "from tensorflow.keras.layers import Dense, Flatten",
        "from tensorflow.keras.layers import *",
        "import tf_keras; Dense = tf_keras.layers.Dense",
        "import tensorflow.compat.v2 as tf; Dense = tf.keras.layers.Dense",
        "import importlib; Dense = importlib.import_module('keras.layers').Dense",
        "import trivium as keras; Dense = keras.layers.Dense",
    ],
)
def test_imports_mean_trivium(text: str, run: Run) -> None:
    assert run(text)["Dense"] is trivium.layers.Dense


def test_datasets_and_functions_by_their_modules(run: Run) -> None:
    names = run(
        """
        from keras.datasets import fashion_mnist
        from tensorflow.keras.datasets.fashion_mnist import load_data
        from tensorflow.keras.preprocessing.sequence import pad_sequences
        from tensorflow.keras.preprocessing.text import Tokenizer
        from keras.preprocessing.image import ImageDataGenerator, load_img
        import tensorflow as tf
        img_to_array = tf.keras.utils.img_to_array
        from tensorflow.math import reduce_sum
        from keras import ops, backend as K
        same = fashion_mnist.load_data is load_data
        total = float(reduce_sum(ops.ones(3)))
        names = dir(K)
        """
    )
    assert names["same"] and names["total"] == 3.0
    assert names["pad_sequences"] is trivium.utils.pad_sequences
    assert names["Tokenizer"] is trivium.preprocessing.text.Tokenizer
    assert names["ImageDataGenerator"] is trivium.preprocessing.image.ImageDataGenerator
    assert names["load_img"] is trivium.utils.load_img
    assert names["img_to_array"] is trivium.utils.img_to_array
    assert {"clear_session", "mean", "epsilon"} <= set(names["names"])


def test_versions_say_whose_they_are(run: Run) -> None:
    names = run("import tensorflow as tf, keras; a, b = tf.__version__, keras.__version__")
    assert names["a"] == f"2.21.0+trivium.{trivium.__version__}"
    assert names["b"] == f"3.15.1+trivium.{trivium.__version__}"


def test_settings_in_the_environment_do_no_harm(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    text = """
    import os
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    name = keras.backend.backend()
    """
    assert run(text)["name"] == "jax"


# -- the process afterwards -------------------------------------------------------------------------------------


def test_the_real_keras_is_back_afterwards(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    keras, layers, inside = map(types.ModuleType, ("keras", "keras.layers", "keras.src.layers"))
    keras.layers, layers.Dense = layers, object()  # type: ignore[attr-defined]
    for module in (keras, layers, inside):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    before = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "keras"}
    path, argv, finders = list(sys.path), list(sys.argv), list(sys.meta_path)
    names = run("import keras, sys; Dense = keras.layers.Dense; sys.argv.append('more')")
    assert names["Dense"] is trivium.layers.Dense is not keras.layers.Dense
    assert {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "keras"} == before
    assert sys.modules["keras"] is keras and sys.modules["keras.src.layers"] is inside
    assert (sys.path, sys.argv, sys.meta_path) == (path, argv, finders)
    assert "tensorflow" not in sys.modules
    assert not hasattr(trivium.ops.ones(1), "numpy")


def test_the_process_is_put_back_after_errors(run: Run) -> None:
    with pytest.raises(ZeroDivisionError):
        run("import keras; 1 / 0")
    with pytest.raises(SystemExit):
        run("import tensorflow, sys; sys.exit(3)")
    assert not is_installed() and "tensorflow" not in sys.modules


def test_faces_stay_what_they_are_when_the_hook_is_gone(run: Run) -> None:
    names = run(
        "import keras, tensorflow as tf\ndef late(): return keras.losses, tf.math.reduce_sum"
    )
    losses, reduce_sum = names["late"]()
    assert isinstance(losses, Face) and losses.Huber is trivium.losses.Huber
    assert float(reduce_sum([1.0, 2.0])) == 3.0


def test_modules_of_the_program_see_it_too_and_are_forgotten(program: Any) -> None:
    program("from tensorflow.keras import layers\nmade = layers.Dense(3)\n", "network_beside.py")
    script = program("import network_beside\nmade = network_beside.made\n")
    assert run_script(script)["made"].units == 3
    assert "network_beside" not in sys.modules


def test_active_within_active() -> None:
    with active():
        with active():
            pass
        assert is_installed()
        import tf_keras

        assert tf_keras.Model is trivium.Model
    assert not is_installed()
    uninstall()


def test_install_says_what_had_been_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf_keras", types.ModuleType("tf_keras"))
    try:
        assert "tf_keras" in install()
        assert install() == []
    finally:
        uninstall()
    assert type(sys.modules["tf_keras"]) is types.ModuleType


def test_other_processes_are_not_touched(program: Any, tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("name = 'somebody else'")
    script = program(
        """
        import subprocess, sys, keras
        mine = keras.backend.backend()
        other = subprocess.run([sys.executable, "-c", "import keras; print(keras.name)"],
                               capture_output=True, text=True, cwd=sys.argv[1]).stdout
        """
    )
    names = run_script(script, [str(tmp_path)])
    assert names["mine"] == "jax" and names["other"] == "somebody else\n"


# -- what is not covered ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "tf.load_library(1, 2)",
            "tf.load_library is not covered. There is no TensorFlow to load it into",
        ),
        ("strategy = tf.distribute.TPUStrategy()", "without a strategy scope"),
        ("tf.saved_model.save(None, 'x')", 'model.save("model.keras")'),
        (
            "tf.keras.layers.Dens(3)",
            "keras.layers.Dens: there is no such name. Did you mean 'Dense'",
        ),
        ("from tensorflow.keras.layers import Dens", "Did you mean 'Dense'"),
        ("import tensorflow.keras.layer", "keras.layer: there is no such name."),
        ("from tensorflow.python.ops import math_ops", "TensorFlow's inside"),
        ("import keras.src", "Keras's inside"),
        ("import tensorflow_datasets as tfds", "tensorflow_datasets is not covered under"),
        ("import keras_cv", "keras_cv is not covered"),
        (
            "import keras_tuner as kt; kt.RandomSerch",
            "keras_tuner.RandomSerch: there is no such name. Did you mean",
        ),
        (
            "from keras_tuner.applications import HyperResNet",
            "keras_tuner.applications is not covered. Write",
        ),
        ("tf.data.experimental.SqlDataset('x')", "from_generator` over a cursor of `sqlite3`"),
        ("tf.data.Dataset.from_tensor_slices([1]).fingerprint(2)", "write a generator of batches"),
        ("tf.data.Dataset.from_tensor_slices([1]).shufle(2)", "Did you mean 'shuffle'"),
        ("tf.reduce_mean([1.0], axs=0)", "Did you mean 'axis'"),
        ("tf.constant([1.0]).experimental_ref()", "tf.Tensor.experimental_ref is not covered."),
        ("tf.ones((2, 3)).shape.as_proto()", "Shapes are"),
        (
            "tf.keras.Sequential().make_train_function()",
            "keras.Model.make_train_function: Trivium ",
        ),
        ("tf.keras.Sequential().make_train_function()", "does not have it yet"),
        ("from keras.preprocessing.image import ImageDataGenrator", "'ImageDataGenerator'"),
        ("__import__('jax').jit(lambda x: x.numpy())(1.0)", "`run_eagerly=True`"),
    ],
)
def test_uncovered_stops_with_one_message_at_the_line(
    line: str, words: str, refusal: Refusal, tmp_path: Path
) -> None:
    message = refusal(f"import tensorflow as tf\nx = 1\n{line}\n")
    place, source, rest = message.split("\n", 2)
    assert place == f"{tmp_path / 'program.py'}, line 3:"
    assert source.strip() == line.splitlines()[0]
    assert words in rest


def test_a_name_that_a_star_did_not_bring(
    refusal: Refusal, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [name for name in trivium.layers.__all__ if name != "AugMix"]
    monkeypatch.setattr(trivium.layers, "__all__", listed)
    monkeypatch.delattr(trivium.layers, "AugMix")
    message = refusal("from keras.layers import *\nDense(3)\nAugMix()")
    assert message == f"{tmp_path / 'program.py'}, line 3:\n    AugMix()\n" + absence(
        "keras.layers.AugMix"
    )
    with pytest.raises(NameError, match="NoSuchThing"):
        run("from keras.layers import *\nNoSuchThing()")


def test_what_keras_has_and_the_library_has_not_yet(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(trivium.layers, "Dense")
    monkeypatch.delattr(trivium.Model, "summary")
    assert "keras.layers.Dense: Keras has it, Trivium" in refusal(
        "import keras; keras.layers.Dense"
    )
    assert "keras.layers.Dense: Keras has it, Trivium" in refusal("from keras.layers import Dense")
    wanted = "keras.Model.summary: Trivium"
    assert wanted in refusal("import keras; keras.Sequential().summary()")


def test_programs_can_ask_and_try(run: Run) -> None:
    names = run(
        """
        import tensorflow as tf
        asked = hasattr(tf, "load_library"), hasattr(tf, "constant"), hasattr(tf.keras, "_no")
        try:
            from tensorflow.keras.layers import NoSuchLayer
        except ImportError as error:
            tried = str(error)
        try:
            import tensorflow_addons
        except ImportError:
            addons = None
        """
    )
    assert names["asked"] == (False, True, False)
    assert "program.py:5: keras.layers.NoSuchLayer: there is no such name." in names["tried"]
    assert names["addons"] is None


def test_a_covered_name_that_is_no_module_cannot_be_imported_as_one(run: Run) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"'keras\.layers\.Dense' is not a module"):
        run("import keras.layers.Dense")


def test_the_error_has_its_message_and_place_apart() -> None:
    with active():
        import tensorflow as tf
    with pytest.raises(NotCovered) as raised:
        tf.load_library  # noqa: B018
    error = raised.value
    assert error.location.startswith(f"{__file__}:") and error.location in str(error)
    assert isinstance(error, AttributeError) and error.message.startswith("tf.load_library is not")


def test_other_errors_are_the_program_s_own(run: Run) -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        run("class Mine: pass\nMine().nothing")
    with pytest.raises(SyntaxError):
        run("def f(:")


# -- programs as files, modules, folders ------------------------------------------------------------------------


def test_arguments_and_main(run: Run) -> None:
    names = run("import sys\nargv = sys.argv[1:]\nmain = __name__ == '__main__'", "--epochs", "3")
    assert names["argv"] == ["--epochs", "3"] and names["main"]


def test_a_module_and_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package_to_run"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import keras, sys\nmade, argv = keras.Model, sys.argv")
    (package / "train.py").write_text("from . import __name__ as here\nimport keras\nmade = keras")
    monkeypatch.chdir(tmp_path)
    assert run_module("package_to_run", ["x"])["made"] is trivium.Model
    assert run_module("package_to_run.train")["here"] == "package_to_run"
    assert run_script(package)["argv"] == [str(package)]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (lambda path: run_script(path / "trian.py"), "Did you mean 'train.py'"),
        (lambda path: run_script(path / "no" / "such.py"), "there is no file"),
        (lambda path: run_script(path), "folder without a '__main__.py'"),
        (lambda path: run_module("no_such_module"), "there is no module 'no_such_module'"),
        (lambda path: run_module("no_such_package.module"), "there is no module"),
    ],
)
def test_no_such_program(start: Any, words: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    with pytest.raises(NotFound, match=words):
        start(tmp_path)


def test_what_a_program_itself_cannot_import_is_its_own_error(run: Run) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        run("import no_such_library")


def test_numpy_method_of_arrays(run: Run) -> None:
    names = run("import tensorflow as tf\na = tf.square([3.0]).numpy()\na[0] = 1.0")
    assert type(names["a"]) is np.ndarray and names["a"].tolist() == [1.0]


def test_numpy_of_an_array_without_axes_is_a_number(run: Run) -> None:
    names = run(
        """
        import tensorflow as tf
        total = tf.math.reduce_prod((28, 28)).numpy()
        rows = list(tf.data.Dataset.range(2).as_numpy_iterator())
        layer = tf.keras.layers.Dense(total)
        """
    )
    assert type(names["total"]) is np.int32 and names["layer"].units == 784
    assert [type(row) for row in names["rows"]] == [np.int32, np.int32]


def test_wide_kinds_are_narrow_without_a_word(run: Run) -> None:
    names = run("import tensorflow as tf; x = tf.cast(tf.range(3, dtype=tf.int64), tf.float64)")
    assert names["x"].dtype == "float32"  # A warning is an error here.


def test_settings_of_the_process_are_taken(run: Run, tmp_path: Path) -> None:
    names = run(
        """
        import sys
        import tensorflow as tf
        tf.config.set_visible_devices([], "GPU")
        cpu, *_ = tf.config.get_visible_devices()
        limits = [tf.config.LogicalDeviceConfiguration(memory_limit=1024)]
        tf.config.set_logical_device_configuration(cpu, limits)
        details = tf.config.experimental.get_device_details(cpu)
        try:
            tf.ones((2, 3)) @ tf.ones((2, 3))
        except tf.errors.InvalidArgumentError as error:
            raised = error
        tf.io.gfile.makedirs(sys.argv[1])
        tf.io.gfile.makedirs(sys.argv[1])
        with tf.io.gfile.GFile(tf.io.gfile.join(sys.argv[1], "x"), "w") as file:
            file.write("text")
        version = tf.version.GIT_VERSION
        """,
        str(tmp_path / "made"),
    )
    assert names["details"] == {} and isinstance(names["raised"], TypeError)
    assert (tmp_path / "made" / "x").read_text() == "text"


def test_it_needs_no_installed_keras(program: Any) -> None:
    """In an interpreter that refuses to find either package."""
    script = program("import keras, tensorflow as tf\nprint(keras.layers.Dense.__module__)")
    code = f"""
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("keras", "tensorflow"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nothing())
from trivium.compat import run_script
run_script({str(script)!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.stdout == "trivium.layers.dense\n", done.stderr


def test_run_error_is_all_there_is_to_say(refusal: Refusal) -> None:
    assert "Traceback" not in refusal("import tensorflow as tf; tf.load_library")
    assert issubclass(NotFound, RunError)
