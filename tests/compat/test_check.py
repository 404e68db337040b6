from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import trivium
from trivium.compat import Finding, NotCovered, check_script


@pytest.fixture
def check(program: Any) -> Any:
    return lambda text: check_script(program(text))


def missing(findings: list[Finding]) -> list[tuple[int, str]]:
    return [(f.line, f.name) for f in findings if not f.covered]


def covered(findings: list[Finding]) -> list[tuple[int, str]]:
    return [(f.line, f.name) for f in findings if f.covered]


def test_uses_by_line_whatever_they_are_called(check: Any) -> None:
    findings = check(
        """\
        import tensorflow as tf
        from tensorflow import keras
        from tensorflow.keras import layers as L
        import keras.ops as ops
        Dense = L.Dense
        mnist = tf.keras.datasets.mnist
        x = mnist.load_data()
        y = ops.relu(tf.cast(x, tf.float32))
        z = keras.Model(1, 2)
        """
    )
    assert missing(findings) == []
    assert covered(findings) == [
        (5, "keras.layers.Dense"),
        (7, "keras.datasets.mnist.load_data"),
        (8, "keras.ops.relu"),
        (8, "tf.cast"),
        (8, "tf.float32"),
        (9, "keras.Model"),
    ]


@pytest.mark.parametrize(
    ("text", "wanted", "words"),
    [
        ("with tf.GradientTape() as tape:\n    pass", None, ""),
        ("tf.load_library(1)", "tf.load_library", "no TensorFlow"),
        ("class A:\n  @tf.function\n  def f(self): pass", None, ""),
        ("tf.keras.layers.Dens(3)", "keras.layers.Dens", "Did you mean 'Dense'"),
        ("from tensorflow.keras.layers import Dense, Dens", "keras.layers.Dens", "Did you mean"),
        ("import tensorflow_hub as hub", "tensorflow_hub", 'model.save("model.keras")'),
        ("from keras.src import layers", "keras.src.layers", "Keras's inside"),
        ("from tensorflow.python.ops import nn", "tf.python.ops.nn", "TensorFlow's inside"),
        ("import tensorflow.lite", "tf.lite", "TensorFlow Lite"),
        ("f = lambda x, y=tf.load_library: x", "tf.load_library", "no TensorFlow"),
        ("tf.reduce_sum(1, axs=2)", "tf.reduce_sum(axs=)", "Did you mean 'axis'"),
        ("tf.keras.layers.Flatten(3).get_nothing", None, ""),
        ("x = tf.keras.Input((3,))\nx.dtype, x.shape, x.name", None, ""),
        ("m = tf.keras.Model(1, 2)\nm.built, m.name, m.optimizer, m.stop_training", None, ""),
        (
            "m = tf.keras.Sequential()\nm.make_train_function('x')",
            "keras.Sequential.make_train_function",
            "does not have it yet",
        ),
        (
            "m = tf.keras.Sequential()\nm.fit(x=1, epoch=3)",
            "keras.Sequential.fit(epoch=)",
            "epochs",
        ),
        (
            "d = tf.data.Dataset.range(3).map(f)\nd.fingerprint('p')",
            "tf.data.Dataset.fingerprint",
            "generator",
        ),
        ("d = tf.data.Dataset.range(3).shuffle(2).batch(2)\nfor x in d: pass", None, ""),
        (
            "class M(tf.keras.Model):\n  def go(self):\n    self.make_train_function(1)",
            "keras.Model.make_train_function",
            "",
        ),
        ("class M(tf.keras.Model):\n  def go(self):\n    self.own = 1\n    self.own.x", None, ""),
        (
            "class M(tf.keras.Model):\n  def make_train_function(self): pass\nM().make_train_function()",
            None,
            "",
        ),
        (
            "class M(tf.keras.Model): pass\nclass N(M): pass\nN().make_train_function()",
            "keras.Model.make_train_function",
            "",
        ),
        ("v = tf.Variable(1.0)\nv.assign(2.0), v.numpy(), v.name, v.constraint", None, ""),
        (
            "tf.keras.layers.Dense(3, activaton='relu')",
            "keras.layers.Dense(activaton=)",
            "Did you mean 'activation'",
        ),
        (
            "tf.keras.layers.Conv2D(3, 3, input_shape=(4, 4, 1), name='a', dtype='float16')",
            None,
            "",
        ),
        ("tf.keras.optimizers.Adam(decay=0.1)", None, ""),
        (
            "def f():\n  m = tf.keras.Sequential()\n  return m\nf().make_train_function('x')",
            "keras.Sequential.make_train_function",
            "",
        ),
        (
            "def f():\n  return 1, tf.keras.Sequential()\n_, m = f()\nm.make_train_function('x')",
            "keras.Sequential.make_train_function",
            "",
        ),
        (
            "def f(x):\n  if x: return 1\n  return tf.keras.Sequential()\nf(1).make_train_function()",
            None,
            "",
        ),
        ("class M(tf.keras.Model):\n  def train_step(self, data): pass", None, ""),
        ("class M(tf.keras.Model):\n  def train_step(self, state, data): pass", None, ""),
        ("x = tf.Variable('a')", "tf.Variable(strings)", "kept by `tf.constant`"),
        ("x = tf.constant([1.0, 2.0])", None, ""),
        ("x = tf.keras.Input((1,), ragged=True)", "keras.Input(ragged=True)", "to one length"),
        (
            "def f(d):\n  return d.fingerprint(p)\nf(tf.data.Dataset.range(3))",
            "tf.data.Dataset.fingerprint",
            "generator",
        ),
        (
            "def f(n, d):\n  return g(d)\ndef g(d):\n  return d.fingerprint(p)\n"
            "f(1, d=tf.data.Dataset.range(3))\nf(2, tf.data.Dataset.range(4))",
            "tf.data.Dataset.fingerprint",
            "generator",
        ),
        ("def f(d):\n  return d.fingerprint(p)", None, ""),
        ("def f(d):\n  return f(d)\nf(tf.data.Dataset.range(3))", None, ""),
        (
            "def f(m):\n  return m\nf(tf.keras.Sequential()).make_train_function('x')",
            "keras.Sequential.make_train_function",
            "",
        ),
        ("y = tf.keras.layers.Masking()(x)\ny._keras_mask", None, ""),
        ("v = tf.Variable([[1.0]])\nv[0, 0].assign(2.0)", None, ""),
        ("tf.keras.layers.LeakyReLU(alpha=0.1)", None, ""),
        ("tf.keras.layers.Embedding(3, 4, input_length=5)", None, ""),
        ("tf.keras.layers.Dense(3, input_dim=4)", None, ""),
        ("tf.keras.layers.Dense(3, batch_input_shape=(None, 4))", None, ""),
        ("tf.keras.layers.Dense(3, init='normal')", "keras.layers.Dense(init=)", "no argument"),
        ("tf.keras.optimizers.Adam(lr=0.1).lr", None, ""),
        ("tf.keras.layers.Embedding(3, 4, weights=[w], trainable=False)", None, ""),
        ("m = tf.keras.Sequential()\nm.fit_generator(g, 3)\nm.fit(x, nb_epoch=3)", None, ""),
        (
            "tf.keras.callbacks.ModelCheckpoint('m.weights.h5', save_weights_only=True)",
            None,
            "",
        ),
        ("p = 'x'\ntf.keras.callbacks.ModelCheckpoint(p + '/m.h5', True)", None, ""),
        ("tf.keras.callbacks.ModelCheckpoint('m.h5', save_weights_only=True)", None, ""),
        ("tf.keras.Sequential().save('m.h5', save_format='h5')", None, ""),
        (
            "p = 'x'\ntf.keras.callbacks.ModelCheckpoint(p + '/m.ckpt', save_weights_only=True)",
            "keras.callbacks.ModelCheckpoint(filepath=)",
            ".weights.h5",
        ),
        ("def f(p, w):\n  tf.keras.callbacks.ModelCheckpoint(p, save_weights_only=w)", None, ""),
        ("def f(tf):\n    return tf.nothing", None, ""),
        ("tf = None\ntf.nothing", None, ""),
        ("a, b = tf.constant, tf.constnt", "tf.constnt", "Did you mean 'constant'"),
        ("for t in tf.unheard_of: pass", "tf.unheard_of", "no such name"),
        ("x: tf.RaggedTensor = None", None, ""),
        ("def f(x: tf.Tensor) -> tf.saved_model: pass", "tf.saved_model", "Save the model"),
        ("print([tf.lite.Interpreter(s) for s in 'ab'])", "tf.lite", "TensorFlow Lite"),
        (
            "import tensorflow.keras.backend as K\nK.gradients(1, 2)",
            "keras.backend.gradients",
            "tf.GradientTape",
        ),
    ],
)
def test_what_is_not_covered(check: Any, text: str, wanted: str | None, words: str) -> None:
    findings = check(f"import tensorflow as tf\n{text}\n")
    assert [f.name for f in findings if not f.covered] == ([wanted] if wanted else [])
    assert all(words in f.note for f in findings if not f.covered)


def test_star_imports(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from tensorflow.keras.layers import *\nx = Dense(3)\ny = Flatten()\nz = print(1)\n"
    assert missing(check(text)) == []
    monkeypatch.delattr(trivium.layers, "Dense")
    assert missing(check(text)) == [(2, "keras.layers.Dense")]


def test_modules_beside_the_program_are_read_too(program: Any, tmp_path: Path) -> None:
    program("import keras\nimport main\nkeras.layers.Dens\n", "nets.py")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("from . import losses\n")
    (tmp_path / "parts" / "losses.py").write_text("import tensorflow as tf\ntf.load_library\n")
    script = program("import nets, json\nfrom parts import losses\n", "main.py")
    found = {(Path(f.file).name, f.line, f.name) for f in check_script(script) if not f.covered}
    assert found == {("nets.py", 3, "keras.layers.Dens"), ("losses.py", 2, "tf.load_library")}


def test_nothing_is_run(check: Any, tmp_path: Path) -> None:
    text = f"import keras\nopen({str(tmp_path / 'made')!r}, 'w')\nraise SystemExit\nkeras.Model\n"
    assert covered(check(text)) == [(4, "keras.Model")]
    assert not (tmp_path / "made").exists()


def test_a_program_without_keras(check: Any) -> None:
    assert check("import numpy as np\nnp.zeros(3)\n") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"def f(:\n", "line 1: this is not Python"), (b"x = '\xff'\n", "this is not Python")],
)
def test_no_python(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "broken.py"
    path.write_bytes(content)
    with pytest.raises(NotCovered, match=words):
        check_script(path)
    with pytest.raises(NotCovered, match="cannot be read"):
        check_script(tmp_path / "none.py")
