"""What `trivium check` says of a name is what running a program with it does: for each name of Keras and TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trivium.compat import NotCovered, active, check_script, names, run_script
from trivium.compat.hook import as_not_covered

ROOTS = ("tensorflow", "keras")


def uses(root: str) -> list[str]:
    """Return each name of a package as a program writes it, and some that nobody has."""
    found = []
    for module in names._lines():
        if module.split(".")[0] == root and not module.endswith("()"):
            found += [f"{module}.{name}" for name in names.names_in(module)]
    misspelt = [path[:-1] for path in found[::40] if len(path.rpartition(".")[2]) > 6]
    return [
        *found,
        *misspelt,
        f"{root}.no.such",
        f"{root}.layers.core",
        f"{root}.compat.v1.Session",
    ]


@pytest.mark.parametrize("root", ROOTS)
def test_each_name_does_what_was_foretold(root: str, tmp_path: Path) -> None:
    paths = uses(root)
    script = tmp_path / "uses.py"
    script.write_text("\n".join([f"import {root}", *paths]) + "\n")
    foretold = {f.line: f.note for f in check_script(script) if not f.covered}
    happened = {}
    with active():
        space: dict[str, Any] = {}
        exec(f"import {root}", space)
        for line, path in enumerate(paths, 2):
            try:
                eval(path, space)
            except NotCovered as error:
                happened[line] = error.message
    assert {paths[n - 2]: note for n, note in foretold.items()} == {
        paths[n - 2]: said for n, said in happened.items()
    }
    assert len(happened) > 20


# Uses that no single name tells, each at its last line.
PROGRAMS = {
    "an argument": "tf.reduce_sum(1.0, axs=2)",
    "an argument of a layer": "tf.keras.layers.Dense(3, activaton='relu')",
    "a method": "m = tf.keras.Sequential()\nm.make_train_function()",
    "what a function returns": "def f():\n    return tf.keras.Sequential()\nf().make_train_function()",
    "a package": "import tensorflow_hub",
    "a module": "from tensorflow.keras.layers import Dense, Dens",
    "an older argument": "tf.keras.optimizers.Adam(lr=0.1).lr",
    "an older module": "from tensorflow.keras.layers.experimental import preprocessing\npreprocessing.Rescaling(0.5)",
    "an older method": "m = tf.keras.Sequential([tf.keras.Input((2,))])\nm.reset_states()",
    "a session": "config = tf.compat.v1.ConfigProto()\nconfig.gpu_options.allow_growth = True\n"
    "s = tf.compat.v1.Session(config=config)\ntf.compat.v1.keras.backend.set_session(s)",
    "a placeholder": "tf.compat.v1.placeholder(tf.float32)",
    "one replica": "with tf.distribute.MirroredStrategy().scope():\n    tf.keras.Sequential()",
    "several workers": "tf.distribute.TPUStrategy()",
    "a strategy's size": "tf.distribute.get_strategy().num_replicas_in_sync",
    "rows": "tf.math.lgamma([1.0, 2.0])",
    "an argument of a row": "tf.math.lgamma(y=[1.0, 2.0])",
    "numpy's names": "import tensorflow.experimental.numpy as tnp\ntnp.mean([1.0, 2.0])",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_each_use_does_what_was_foretold(program: str, tmp_path: Path) -> None:
    script = tmp_path / "use.py"
    script.write_text(f"import tensorflow as tf\n{program}\n")
    foretold = [f.line for f in check_script(script) if not f.covered]
    happened = []
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *args, **kwargs: None)
            run_script(script)
    except Exception as error:
        missing = as_not_covered(error.__cause__ or error)
        # Errors of our own about arguments are no fault of coverage, and stop the program all the same.
        happened = [
            int(missing.location.rpartition(":")[2])
            if missing is not None
            else program.count("\n") + 2
        ]
    assert foretold == happened
