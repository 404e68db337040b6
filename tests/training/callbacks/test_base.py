"""Callbacks as a list: who is called, in which order, and who makes the loop stop at batches."""

import pytest
from oracle import recorded

from trivium.training.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    RemoteMonitor,
    SwapEMAWeights,
    TensorBoard,
    TerminateOnNaN,
)

HOOKS = {name for name in vars(Callback) if name.startswith("on_")}


def arguments_of(hook):
    return {"on_chunk_end": ("train", 3)}.get(
        hook, (7,) if "epoch" in hook or "batch" in hook else ()
    )


@pytest.mark.parametrize("hook", sorted(HOOKS))
@pytest.mark.parametrize("how", ["positional", "keyword", "absent"])
def test_every_hook_reaches_every_callback_with_one_logs_dict(hook, how):
    calls = []
    members = [
        LambdaCallback(**{hook: lambda *args, who=who: calls.append((who, args))}) for who in "ab"
    ]
    callbacks = CallbackList(members)
    leading, logs = arguments_of(hook), {"loss": 1.0}
    method = getattr(callbacks, hook)
    if how == "positional":
        method(*leading, logs)
    elif how == "keyword":
        method(*leading, logs=logs)
    else:
        method(*leading)
        logs = {}
    assert calls == [("a", (*leading, logs)), ("b", (*leading, logs))]
    assert calls[0][1][-1] is calls[1][1][-1]


def test_train_batch_hooks_call_the_older_names():
    seen = []

    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            seen.append(("end", batch))

    callbacks = CallbackList([Old()])
    callbacks.on_train_batch_begin(3)
    callbacks.on_train_batch_end(3, {})
    assert seen == [("begin", 3), ("end", 3)]
    assert callbacks.wants_batches("train") and not callbacks.wants_batches("test")


@pytest.mark.parametrize("mode", ["train", "test", "predict"])
@pytest.mark.parametrize("edge", ["begin", "end"])
def test_wants_batches_where_a_batch_hook_is_the_callback_s_own(mode, edge):
    hook = f"on_{mode}_batch_{edge}"
    subclass = type("Own", (Callback,), {hook: lambda self, batch, logs=None: None})
    for callback in (subclass(), LambdaCallback(**{hook: print})):
        callbacks = CallbackList([History(), callback], add_progbar=True)
        assert [m for m in ("train", "test", "predict") if callbacks.wants_batches(m)] == [mode]


def test_the_library_s_own_callbacks_want_no_batches(tmp_path):
    callbacks = CallbackList(
        [
            EarlyStopping(),
            ModelCheckpoint("x.keras"),
            LearningRateScheduler(lambda epoch: 0.1),
            ReduceLROnPlateau(),
            LambdaCallback(on_epoch_end=print),
            TerminateOnNaN(),
            CSVLogger(tmp_path / "x.csv"),
            RemoteMonitor(),
            SwapEMAWeights(swap_on_epoch=True),
            TensorBoard(tmp_path),
        ],
        add_history=True,
        add_progbar=True,
    )
    assert not any(callbacks.wants_batches(mode) for mode in ("train", "test", "predict"))


def test_a_checkpoint_wants_batches_to_count_them_or_for_a_subclass():
    assert ModelCheckpoint("x.keras", save_freq=10).wants_batches("train")
    assert not ModelCheckpoint("x.keras", save_freq=10).wants_batches("test")

    class Mine(ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    assert Mine("x.keras").wants_batches("train")


HOOKS = [
    *(f"on_{what}_{end}" for what in ("epoch", "batch", "train", "test", "predict") for end in ("begin", "end")),
    *(f"on_{mode}_batch_{end}" for mode in ("train", "test", "predict") for end in ("begin", "end")),
]  # fmt: skip


class Foreign:
    """A callback with every hook, `set_params` and `set_model`, and of no class of ours."""

    def __init__(self):
        self.called = []
        for hook in HOOKS:
            setattr(self, hook, lambda *args, hook=hook: self.called.append((hook, *args)))
        self.on_epoch_end = self.stop

    def set_params(self, params):
        self.params = params

    def set_model(self, model):
        self.model = model

    def stop(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


def run_two_epochs(callback, model):
    callbacks = CallbackList([callback], model=model, epochs=3)
    assert callbacks.wants_batches("train")
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_chunk_end("train", 1, {"loss": 1.0})
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
    return model.stop_training


def test_callbacks_of_another_library_work_and_are_taken_to_want_batches(fake_model):
    foreign = Foreign()
    assert run_two_epochs(foreign, fake_model())
    assert foreign.params["epochs"] == 3
    assert [hook for hook, *_ in foreign.called] == ["on_train_begin"]
    assert (
        recorded(
            lambda keras: sorted(
                {"set_params", "set_model", *HOOKS} - set(dir(keras.callbacks.Callback))
            )
        )
        == []
    )
    assert recorded(
        lambda keras: run_two_epochs(
            keras.callbacks.EarlyStopping(monitor="loss", patience=1), fake_model()
        )
    )


def test_defaults_stand_at_the_end_and_are_not_added_twice(fake_model):
    model = fake_model()
    stopping = EarlyStopping()
    callbacks = CallbackList(
        stopping, add_history=True, add_progbar=True, model=model, verbose=1, epochs=2, steps=3
    )
    assert [type(c) for c in callbacks.callbacks] == [EarlyStopping, History, ProgbarLogger]
    assert model.history is callbacks.history
    assert all(c.model is model for c in callbacks.callbacks)
    assert all(c.params == {"verbose": 1, "epochs": 2, "steps": 3} for c in callbacks.callbacks)

    mine = History()
    again = CallbackList([[mine], (stopping,), CallbackList([stopping])], add_history=True)
    assert again.callbacks == [mine, stopping, stopping] and again.history is mine
    again.append(TerminateOnNaN())
    assert len(again.callbacks) == 4


def test_what_one_callback_logs_the_later_ones_see(fake_model):
    callbacks = CallbackList(
        [LearningRateScheduler(lambda epoch: 0.5)], add_history=True, model=fake_model()
    )
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_epoch_end(0, {"loss": 1.0})
    assert callbacks.history.history == {"loss": [1.0], "learning_rate": [0.5]}


def test_what_is_no_callback_is_named():
    with pytest.raises(
        TypeError, match=r"callbacks\[1\] is the class EarlyStopping.*EarlyStopping\("
    ):
        CallbackList([History(), EarlyStopping])
    with pytest.raises(TypeError, match=r"callbacks\[0\]\[0\] is 3, of type int"):
        CallbackList([[3]])


def test_a_subclass_need_not_call_init():
    class Careless(Callback):
        def __init__(self):
            pass

    assert Careless().model is None and Careless().params is None
