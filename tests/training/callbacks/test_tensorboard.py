"""Event files as TensorBoard's own readers see them."""

import copy
import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def
from tensorboard.plugins.projector import ProjectorConfig
from tensorboard.util.tensor_util import make_ndarray

import trivium as tv
from trivium.training.callbacks import LambdaCallback, TensorBoard
from trivium.training.callbacks.event_file import EventFile, conceptual_graph

X = np.arange(20)[:, None] % 7
Y = np.linspace(0, 1, 20, dtype="float32")[:, None]


def make(optimizer="sgd"):
    model = tv.Sequential(
        [
            tv.Input((1,), dtype="int32"),
            tv.layers.Embedding(7, 3, name="words"),
            tv.layers.Flatten(),
            tv.layers.Dense(1, name="out"),
        ],
        name="net",
    )
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


class Run:
    """What TensorBoard's reader finds in a folder."""

    def __init__(self, folder):
        self._read = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
        self.tags = set(self._read.Tags()["tensors"])

    def values(self, tag):
        return [(e.step, make_ndarray(e.tensor_proto)) for e in self._read.Tensors(tag)]

    def curve(self, tag):
        return [(step, float(value)) for step, value in self.values(tag)]

    def plugin(self, tag):
        return self._read.SummaryMetadata(tag).plugin_data.plugin_name


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train for two epochs of ten batches with all that can be written, and read it back."""
    folder = tmp_path_factory.mktemp("logs")
    model = make(tv.optimizers.SGD(tv.optimizers.schedules.ExponentialDecay(0.5, 10, 0.5)))
    calls = []
    board = TensorBoard(
        folder, histogram_freq=1, write_images=True, write_steps_per_second=True, update_freq=4,
        profile_batch=(3, 5), embeddings_freq=1, embeddings_metadata={"words": "words.tsv"},
    )  # fmt: skip
    note = board.on_train_batch_begin
    board.on_train_batch_begin = lambda batch, logs=None: (calls.append(batch), note(batch, logs))
    board._has_hooks = lambda mode: False  # The note is none of its hooks.
    history = model.fit(X, Y, batch_size=2, epochs=2, validation_data=(X, Y), verbose=0,
                        callbacks=[board])  # fmt: skip
    del board.on_train_batch_begin, board._has_hooks
    runs = {name: Run(folder / name) for name in ("train", "validation")}
    return folder, model, history.history, runs["train"], runs["validation"], calls, board


def test_the_epochs_results_are_curves_under_keras_s_names(run):
    _, _, history, train, validation, *_ = run
    assert train.curve("epoch_loss") == list(enumerate(history["loss"]))
    assert validation.curve("epoch_mae") == list(enumerate(history["val_mae"]))
    assert train.curve("epoch_learning_rate") == [(0, 0.25), (1, 0.125)]
    assert validation.curve("evaluation_loss_vs_iterations") == [
        (10 * (epoch + 1), loss) for epoch, loss in enumerate(history["val_loss"])
    ]
    assert all(value > 0 for _, value in train.curve("epoch_steps_per_second"))
    kinds = {"epoch_loss": "scalars", "net/out/bias/histogram": "histograms"}
    kinds |= {"net/out/kernel/image": "images", "keras": "graph_keras_model"}
    assert {tag: train.plugin(tag) for tag in kinds} == kinds
    assert validation.tags == {
        f"{form}" for name in ("loss", "mae")
        for form in (f"epoch_{name}", f"evaluation_{name}_vs_iterations")
    }  # fmt: skip


def test_batches_are_numbered_over_the_epochs_and_only_those_to_write_are_looked_at(run):
    *_, train, _, calls, _ = run
    assert [step for step, _ in train.curve("batch_loss")] == [4, 8, 12, 16, 20]
    assert len(train.curve("batch_mae")) == len(train.curve("batch_steps_per_second")) == 5
    # Before the first one of the profile, after its last, and the multiples of four.
    assert calls == [0, 2, 4, 5, 8, 0, 2, 6]


def test_weights_are_histograms_and_images(run):
    _, model, _, train, *_ = run
    for weight in model.weights:
        step, buckets = train.values(f"{weight.path}/histogram")[-1]
        assert step == 1 and buckets.shape == (30, 3)
        assert buckets[:, 2].sum() == np.prod(weight.shape)
        assert buckets[0, 0] == weight.numpy().min() and buckets[-1, 1] == weight.numpy().max()
    [_, (_, (width, height, png))] = train.values("net/words/embeddings/image")
    assert (width, height) == (b"7", b"3") and png.startswith(b"\x89PNG")


def test_the_graph_is_what_tensorboard_draws(run):
    *_, train, _, _, _ = run
    [(step, text)] = train.values("keras")
    drawn = keras_model_to_graph_def(json.loads(text.item()))
    assert step == 0
    assert [(n.name, list(n.input)) for n in drawn.node][1:] == [
        ("net/words", [drawn.node[0].name]),
        (drawn.node[2].name, ["net/words"]),
        ("net/out", [drawn.node[2].name]),
        ("net/output", ["net/out"]),
    ]


def test_a_profile_is_where_its_plugin_looks(run):
    [profile] = run[0].glob("train/plugins/profile/*/*.xplane.pb")
    assert profile.stat().st_size > 0


def test_the_projector_finds_tables_and_words(run):
    from google.protobuf import text_format

    folder, model, *_ = run
    text = (folder / "projector_config.pbtxt").read_text()
    [entry] = text_format.Parse(text, ProjectorConfig()).embeddings
    assert entry.metadata_path == "words.tsv" and entry.tensor_name == "net/words/embeddings"
    table = np.loadtxt(folder / entry.tensor_path, delimiter="\t", dtype="float32")
    assert np.array_equal(table, model.layers[0].embeddings.numpy())


def test_it_is_copied_and_pickled_without_its_files(run):
    board = run[-1]
    board.set_model(None)
    board._files = {"train": EventFile(str(run[0] / "more"))}
    for twin in (copy.deepcopy(board), pickle.loads(pickle.dumps(board))):
        assert twin._files == {} and twin._before + twin._done == 20
    board._close()


def test_without_a_wish_for_batches_nothing_stops_there(tmp_path):
    board = TensorBoard(tmp_path, write_steps_per_second=True)
    assert not any(board.wants_batches(mode) for mode in ("train", "test", "predict"))
    assert TensorBoard(tmp_path, profile_batch=2).wants_batches("train")
    assert TensorBoard(tmp_path, update_freq="batch").batches_ahead("train", 3) == 1
    assert not TensorBoard(tmp_path, update_freq=3).wants_batches("test")

    class Mine(TensorBoard):
        def on_test_batch_end(self, batch, logs=None):
            pass

    assert Mine(tmp_path).wants_batches("test") and not list(tmp_path.iterdir())


def test_rates_of_several_optimizers_and_results_by_class(tmp_path):
    several = tv.optimizers.MultiOptimizer(
        tv.optimizers.OptimizerMap(
            tv.optimizers.SGD(0.5, name="slow"), {".*bias": tv.optimizers.SGD(2.0, name="fast")}
        )
    )
    model = make(several)
    each = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(f1=np.array([0.25, 0.5])))
    board = TensorBoard(tmp_path, write_graph=False)
    model.fit(X, Y, verbose=0, callbacks=[each, board])
    train = Run(tmp_path / "train")
    curves = {tag.removeprefix("epoch_"): train.curve(tag)[0][1] for tag in train.tags}
    assert (curves["learning_rate_slow"], curves["learning_rate_fast"]) == (0.5, 2.0)
    assert (curves["f1_0"], curves["f1_1"]) == (0.25, 0.5) and "learning_rate" not in curves
    assert "keras" not in train.tags


def test_the_graph_of_a_class_shows_its_ops_and_the_models_inside():
    class Inner(tv.Model):
        def __init__(self):
            super().__init__(name="inner")
            self.dense = tv.layers.Dense(2, name="dense")

        def call(self, x):
            return self.dense(self.dense(x)), tv.ops.relu(x)

    class Outer(tv.Model):
        def __init__(self):
            super().__init__(name="outer")
            self.inner = Inner()

        def call(self, x):
            a, b = self.inner(x)
            return a * b

    model = Outer()
    model.build((None, 2))
    drawn = {
        n.name.removeprefix("outer/"): [i.removeprefix("outer/") for i in n.input]
        for n in keras_model_to_graph_def(conceptual_graph(model)).node
    }
    product = next(name for name in drawn if name.startswith("multiply"))
    first, second = drawn[product]
    assert first != second and first.startswith("inner/") and second.startswith("inner/")
    assert drawn["inner/dense_2"] == ["inner/dense"]
    assert len(drawn) == len(set(drawn)) == 9


def test_what_no_graph_can_hold_is_a_warning(tmp_path):
    class Own(tv.Model):
        def __init__(self):
            super().__init__()
            self.w = self.add_weight(shape=(), initializer="ones", name="w")

        def call(self, x):
            return x * self.w if float(x[0, 0]) >= 0 else x

    model = Own()
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.warns(UserWarning, match="gets no graph"):
        model.fit(Y, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert Run(tmp_path / "train").curve("epoch_loss")


def test_evaluate_alone_writes_its_results_and_closes(tmp_path):
    model = make()
    board = TensorBoard(tmp_path)
    loss, _ = model.evaluate(X, Y, verbose=0, callbacks=[board])
    curve = Run(tmp_path / "validation").curve("evaluation_loss_vs_iterations")
    assert curve == [(0, loss)] and board._files == {}


def test_a_profiler_at_work_already_is_left_alone(tmp_path, monkeypatch):
    def start(folder):
        raise RuntimeError("Only one profile may be run at a time.")

    monkeypatch.setattr("jax.profiler.start_trace", start)
    with pytest.warns(UserWarning, match="no profile"):
        make().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path, profile_batch=1)])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"profile_batch": (3, 2)}, "profile_batch"),
        ({"profile_batch": -1}, "profile_batch"),
        ({"profile_batch": "2,x"}, "profile_batch"),
        ({"update_freq": "epochs"}, "update_freq"),
        ({"update_freq": 0}, "update_freq"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, arguments, words):
    with pytest.raises(ValueError, match=words):
        TensorBoard(tmp_path, **arguments)


def test_words_of_an_embedding_that_is_not_there_are_refused(tmp_path):
    board = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"word": "w.tsv"})
    with pytest.raises(ValueError, match=r"'word'.*\['words'\]"):
        make().fit(X, Y, verbose=0, callbacks=[board])


def test_texts_and_lists_of_batches_to_profile():
    forms = (7, "7", "2,4", [2, 4], (0, 0))
    assert [TensorBoard(profile_batch=f)._profiled for f in forms] == [
        (7, 7), (7, 7), (2, 4), (2, 4), (0, 0),
    ]  # fmt: skip
    assert not Path("logs").exists()


def test_without_tensorboard_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'trivium\[tensorboard\]'"):
        TensorBoard()


def test_histograms_leave_out_what_is_no_number_and_kernels_of_convolutions_are_no_images(tmp_path):
    with_nan = EventFile(str(tmp_path))
    with_nan.histogram("h", [np.nan, np.inf, 1.0, 1.0], 0)
    with_nan.histogram("none", [], 0)
    with_nan.close()
    read = Run(tmp_path)
    assert read.values("h")[0][1][:, 2].sum() == 2 and read.values("none")[0][1][:, 2].sum() == 0
    from trivium.training.callbacks.tensorboard import _as_images

    shapes = {
        (5,): (1, 5, 1, 1),
        (5, 2): (1, 2, 5, 1),
        (2, 5): (1, 2, 5, 1),
        (2, 3, 4): (4, 2, 3, 1),
    }
    for shape, wanted in shapes.items():
        image = _as_images(np.arange(np.prod(shape), dtype="float32").reshape(shape))
        assert image.shape == wanted and image.min() == 0 and image.max() == 255
    assert _as_images(np.ones((3, 3, 2, 8))) is None and _as_images(np.ones((0, 2))) is None
    assert _as_images(np.ones((2, 3))).max() == 0
