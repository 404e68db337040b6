"""`compile`, `fit`, `evaluate`, `predict` and their like beside the real Keras, from the same weights."""

import jax
import numpy as np
import pytest


def stack(units=1, activation=None):
    def build(lib):
        layers = lib.layers
        return lib.Sequential(
            [
                lib.Input((4,)),
                layers.Dense(5, activation="tanh", name="h"),
                layers.Dense(units, activation=activation, name="o"),
            ],
            name="m",
        )

    return build


def heads(form):
    """A Functional model with outputs in one of several structures."""

    def build(lib):
        dense = lib.layers.Dense
        x = lib.Input((4,), name="i")
        h = dense(3, activation="tanh", name="h")(x)
        a, b, c = (dense(units, name=name)(h) for units, name in ((1, "a"), (2, "b"), (1, "c")))
        outputs = {
            "list": [a, b],
            "dict": {"a": a, "b": b},
            "renamed": {"z": a, "y": b},
            "nested": {"p": a, "q": [b, c]},
            "lists": [a, [b, c]],
            "list of one": [a],
            "dict of one": {"q": a},
            "one": a,
        }[form]
        return lib.Model(x, outputs, name="m")

    return build


def subclass(form):
    def build(lib):
        class Written(lib.Model):
            def __init__(self):
                super().__init__(name="m")
                self.h = lib.layers.Dense(3, activation="tanh", name="h")
                self.a, self.b = lib.layers.Dense(1, name="a"), lib.layers.Dense(2, name="b")
                if form == "own metric":
                    self.own = lib.metrics.Mean(name="own")

            def call(self, x):
                h = self.h(x)
                if form == "single":
                    return self.a(h) + self.b(h)
                outputs = {"p": self.a(h), "q": self.b(h)}
                return {"p": outputs["p"] + outputs["q"]} if form == "dict of one" else outputs

        return Written()

    return build


def fit_and_evaluate(x, y, **options):
    """Train for two epochs of two batches, and evaluate in both forms."""
    x, y, options = map_arrays(lambda a: a[:16], (x, y, options))

    def use(model, lib):
        history = model.fit(
            x, y, batch_size=8, epochs=2, verbose=0, shuffle=False, **options
        ).history
        return (
            history,
            model.evaluate(x, y, batch_size=8, verbose=0),
            model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True),
        )

    return use


def evaluate(x, y, **options):
    """Evaluate in both forms: the names and numbers of `fit`, without the time that its gradient takes to compile."""
    x, y, options = map_arrays(lambda a: a[:16], (x, y, options))

    def use(model, lib):
        return [
            model.evaluate(x, y, batch_size=8, verbose=0, return_dict=named, **options)
            for named in (False, True)
        ]

    return use


def map_arrays(function, tree):
    return jax.tree_util.tree_map(lambda a: function(a) if isinstance(a, np.ndarray) else a, tree)


def targets(data, form):
    """The targets for `heads(form)`."""
    one, two, other = data.one, data.two, data.one**2
    return {
        "list": [one, two],
        "dict": {"a": one, "b": two},
        "renamed": {"z": one, "y": two},
        "nested": {"p": one, "q": [two, other]},
        "lists": [one, [two, other]],
        "list of one": one,
        "dict of one": {"q": one},
        "one": one,
    }[form]


SINGLE = {
    "by name": (stack(), "one", {"loss": "mse", "metrics": ["mae"]}),
    "only a loss": (stack(), "one", {"loss": "mean_absolute_error"}),
    "binary accuracy": (
        stack(1, "sigmoid"),
        "yes_no",
        {"loss": "binary_crossentropy", "metrics": ["accuracy"]},
    ),
    "categorical accuracy": (
        stack(3, "softmax"),
        "onehot",
        {"loss": "categorical_crossentropy", "metrics": ["accuracy", "acc"]},
    ),
    "sparse accuracy": (
        stack(3, "softmax"),
        "labels",
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    ),
    "crossentropy by shape": (
        stack(3, "softmax"),
        "labels",
        {"loss": "crossentropy", "metrics": ["acc"]},
    ),
    "lists": (stack(), "one", {"loss": ["mse"], "metrics": [["mae"]]}),
    "loss weight": (stack(), "one", {"loss": "mse", "loss_weights": [2.0]}),
    "weight as a number": (stack(), "one", {"loss": "mse", "loss_weights": 2.0}),
    "objects": (
        stack(1, "sigmoid"),
        "yes_no",
        lambda lib: {
            "loss": lib.losses.BinaryCrossentropy(label_smoothing=0.1),
            "metrics": [
                lib.metrics.AUC(num_thresholds=20),
                lib.metrics.Precision(),
                lib.metrics.Recall(name="rec"),
                "binary_accuracy",
                "acc",
            ],
        },
    ),
    "functions": (
        stack(),
        "one",
        lambda lib: {
            "loss": lambda y, p: lib.ops.mean(lib.ops.abs(y - p), axis=-1),
            "metrics": [
                lib.losses.mean_squared_error,
                lib.metrics.MeanSquaredError(name="mm"),
            ],
        },
    ),
    "metrics built from shapes": (
        stack(3, "softmax"),
        "onehot",
        lambda lib: {
            "loss": "categorical_crossentropy",
            "metrics": [
                lib.metrics.F1Score(),
                lib.metrics.AUC(num_thresholds=20, multi_label=True, name="auc"),
            ],
        },
    ),
}


EVALUATED = ("only a loss", "crossentropy by shape", "lists", "loss weight", "weight as a number")


@pytest.mark.parametrize("case", SINGLE)
def test_one_output(case, twins, data):
    build, y, compiling = SINGLE[case]
    pair = twins(build, compiling)
    if case in EVALUATED:
        pair.agree(evaluate(data.x, getattr(data, y)))
    else:
        history, _, named = pair.agree(fit_and_evaluate(data.x, getattr(data, y)))
        assert list(history) == list(named) and len(history["loss"]) == 2


MULTI = {
    "one loss for all": ("list", {"loss": "mse"}),
    "a metric each": ("list", {"loss": "mse", "metrics": ["mae", "mse"]}),
    "lists": ("list", {"loss": ["mse", "mae"], "metrics": [["mae"], ["mse", "mae"]]}),
    "no metric for one": ("list", {"loss": ["mse", "mae"], "metrics": [None, ["mse"]]}),
    "weights": ("list", {"loss": ["mse", "mae"], "loss_weights": [0.5, 2.0]}),
    "one weight": ("list", {"loss": "mse", "loss_weights": 2.0}),
    "no loss for one": ("list", {"loss": ["mse", None]}),
    "dicts": (
        "dict",
        {
            "loss": {"a": "mse", "b": "mae"},
            "loss_weights": {"a": 1.0, "b": 0.2},
            "metrics": {"a": ["mae"], "b": "mse"},
        },
    ),
    "a dict with a gap": ("dict", {"loss": {"a": "mse"}, "metrics": {"a": ["mae"]}}),
    "dicts of other names": (
        "renamed",
        {"loss": {"z": "mse", "y": "mae"}, "metrics": {"z": ["mae"], "y": ["mse"]}},
    ),
    "lists for a dict": ("renamed", {"loss": ["mse", "mae"], "metrics": [["mae"], ["mse"]]}),
    "nested": (
        "nested",
        {
            "loss": {"p": "mse", "q": ["mae", "mse"]},
            "loss_weights": {"p": 1.0, "q": [2.0, 3.0]},
            "metrics": {"p": ["mae"], "q": [["mae"], ["mse"]]},
        },
    ),
    "one loss for a nest": ("nested", {"loss": "mse"}),
    "nested lists": ("lists", {"loss": ["mse", ["mae", "mse"]]}),
    "accuracy by output": ("dict", {"loss": "mse", "metrics": {"a": "accuracy", "b": "accuracy"}}),
    "a list of one": ("list of one", {"loss": "mse", "metrics": ["mae"]}),
    "a dict of one": ("dict of one", {"loss": {"q": "mse"}, "metrics": {"q": ["mae"]}}),
    "one by name": ("one", {"loss": {"a": "mse"}, "metrics": {"a": ["mae"]}}),
}


@pytest.mark.parametrize("case", MULTI)
def test_many_outputs(case, twins, data):
    form, compiling = MULTI[case]
    measure = fit_and_evaluate if case in ("lists", "dicts", "nested") else evaluate
    *_, listed, named = twins(heads(form), compiling).agree(measure(data.x, targets(data, form)))
    assert np.size(listed) == len(named)


def test_one_target_for_the_one_loss_among_outputs(twins, data):
    twins(heads("list"), {"loss": ["mse", None]}).agree(evaluate(data.x, data.one))


def test_targets_by_the_names_of_listed_outputs(twins, data):
    compiling = {"loss": {"a": "mse", "b": "mae"}, "metrics": {"b": "mae"}}
    twins(heads("list"), compiling).agree(evaluate(data.x, {"a": data.one, "b": data.two}))


def test_a_metric_shared_by_outputs(twins, data):
    def compiling(lib):
        shared = lib.metrics.MeanSquaredError()
        return {"loss": "mse", "metrics": {"a": shared, "b": shared}}

    twins(heads("dict"), compiling).agree(evaluate(data.x, targets(data, "dict")))


@pytest.mark.parametrize(
    ("form", "y", "compiling"),
    [
        ("single", "two", {"loss": "mse", "metrics": ["mae"]}),
        ("own metric", "both", {"loss": "mse", "metrics": {"p": ["mse"], "q": ["mae"]}}),
        (
            "dict",
            "both",
            {"loss": {"p": "mse", "q": "mae"}, "metrics": {"q": ["mse"]}},
        ),
        ("dict of one", "two", {"loss": "mse", "metrics": ["mse"]}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_subclassed_models(form, y, compiling, twins, data):
    both = {"p": data.one, "q": data.two}
    pair = twins(subclass(form), compiling)
    pair.agree(fit_and_evaluate(data.x, both if y == "both" else data.two))
    pair.agree(lambda model, lib: model.predict(data.x, batch_size=6, verbose=0))


def test_weights_of_samples_and_classes(twins, data):
    compiling = {"loss": "mse", "metrics": ["mse"], "weighted_metrics": ["mae"]}
    pair = twins(stack(), compiling)
    pair.agree(fit_and_evaluate(data.x, data.one, sample_weight=data.weight, validation_split=0.5))
    pair.agree(evaluate(data.x, data.one[:, 0]))
    pair.agree(
        lambda model, lib: model.evaluate(
            data.x, data.one, sample_weight=data.weight, batch_size=8, verbose=0
        )
    )
    compiling = {"loss": "sparse_categorical_crossentropy", "weighted_metrics": ["accuracy"]}
    pair = twins(stack(3, "softmax"), compiling)
    pair.agree(fit_and_evaluate(data.x, data.labels, class_weight={0: 1.0, 1: 2.0, 2: 0.5}))


def test_weights_by_output(twins, data):
    compiling = {
        "loss": "mse",
        "metrics": [["mae"], ["mae"]],
        "weighted_metrics": [["mae"], ["mse"]],
    }
    pair = twins(heads("list"), compiling)
    y = targets(data, "list")
    pair.agree(fit_and_evaluate(data.x, y, sample_weight=data.weight))
    pair.agree(evaluate(data.x, y, sample_weight=[data.weight, data.weight**2]))
    pair = twins(heads("nested"), {"loss": "mse"})
    weights = {"p": data.weight, "q": [data.weight**2, data.weight + 1]}
    pair.agree(evaluate(data.x, targets(data, "nested"), sample_weight=weights))


def test_epochs_steps_and_validation(twins, data):
    """One pair goes on through all of them: where it once went astray, the rest would differ too."""
    x, y, weight = data.x, data.one, data.weight
    pair = twins(stack(), {"loss": "mse", "metrics": ["mae"]})
    for options in (
        {"epochs": 2, "steps_per_epoch": 2},
        {"epochs": 5, "validation_split": 0.5, "validation_freq": 2, "batch_size": 4},
        {
            "epochs": 5,
            "validation_data": (x[:5], y[:5], weight[:5]),
            "validation_freq": [1, 4],
        },
        {"epochs": 5, "initial_epoch": 3},
        {"epochs": 2, "initial_epoch": 2},
        {
            "epochs": 2,
            "validation_data": (x, y),
            "validation_steps": 2,
            "validation_batch_size": 3,
        },
        {"epochs": 2, "batch_size": 100},
    ):
        options = {"batch_size": 5} | options

        def use(model, lib, options=options):
            history = model.fit(x, y, verbose=0, shuffle=False, **options)
            return history.history, history.epoch

        pair.agree(use)
    pair.agree(
        lambda model, lib: [
            model.evaluate(x, y, steps=2, batch_size=3, verbose=0),
            model.predict(x, steps=2, batch_size=3, verbose=0),
            model.get_weights(),
        ]
    )


def test_single_batches(twins, data):
    def use(model, lib):
        x, y, weight = data.x, data.one, data.weight
        results = [model.train_on_batch(x[:8], y[:8], sample_weight=weight[:8]) for _ in range(3)]
        results += [
            model.train_on_batch(x[:8], y[:8], return_dict=True),
            model.test_on_batch(x[:8], y[:8]),
            model.test_on_batch(x, y, sample_weight=weight, return_dict=True),
            model.predict_on_batch(x[:3]),
            model.train_on_batch(x[:8], y[:8]),
            model.get_metrics_result(),
        ]
        model.reset_metrics()
        return [*results, model.test_on_batch(x, y), model.get_weights()]

    twins(stack(), {"loss": "mse", "metrics": ["mse"], "weighted_metrics": ["mae"]}).agree(use)


def test_single_batches_with_class_weights(twins, data):
    def use(model, lib):
        weights = {0: 1.0, 1: 2.0, 2: 3.0}
        return [
            model.train_on_batch(data.x, data.labels, class_weight=weights),
            model.train_on_batch(data.x, data.labels, class_weight=weights, return_dict=True),
        ]

    pair = twins(
        stack(3, "softmax"), {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    )
    pair.agree(use)


@pytest.mark.parametrize("form", ["list", "dict", "nested", "lists", "one"])
def test_predictions_have_the_outputs_structure(form, twins, data):
    pair = twins(heads(form))
    ours = pair.agree(lambda model, lib: model.predict(data.x, batch_size=6, verbose=0))
    assert {a.shape[0] for a in jax.tree_util.tree_leaves(ours)} == {20}
    pair.agree(lambda model, lib: model.predict_on_batch(data.x[:3]))


def test_predictions_of_another_length_than_the_batch(twins, data):
    def build(lib):
        x = lib.Input((4,))
        return lib.Model(x, lib.ops.sum(lib.layers.Dense(2)(x), axis=0, keepdims=True))

    ours = twins(build).agree(lambda model, lib: model.predict(data.x, batch_size=6, verbose=0))
    assert ours.shape == (4, 2)


def regularized(lib):
    layers = lib.layers
    return lib.Sequential(
        [
            lib.Input((4,)),
            layers.Dense(
                5,
                kernel_regularizer="l2",
                bias_regularizer="l1",
                activity_regularizer="l2",
                bias_initializer="ones",
            ),
            layers.BatchNormalization(),
            layers.Dropout(0.0),
            layers.Dense(1, kernel_constraint="max_norm"),
        ]
    )


def adding_losses(lib):
    class Penalty(lib.layers.Layer):
        def call(self, x):
            self.add_loss(0.1 * lib.ops.mean(lib.ops.square(x)))
            return x

    x = lib.Input((4,))
    h = Penalty()(lib.layers.Dense(3, activation="tanh")(x))
    return lib.Model(x, lib.layers.Dense(1)(h))


def nested(lib):
    """A model in a model; the inner one was compiled and trained by itself before."""
    inner = lib.Sequential([lib.Input((4,)), lib.layers.Dense(3, activation="tanh")], name="inner")
    inner.compile("sgd", "mse", metrics=["mae"])
    x = lib.Input((4,))
    return lib.Model(x, lib.layers.Dense(1)(inner(lib.layers.BatchNormalization()(x))))


def nested_in_a_subclass(lib):
    class Outer(lib.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.dense = nested(lib), lib.layers.Dense(1)

        def call(self, x, training=None):
            return self.dense(self.inner(x, training=training))

    return Outer()


def frozen(lib):
    model = stack()(lib)
    model.layers[-2].trainable = False
    return model


@pytest.mark.parametrize(
    "build",
    [regularized, adding_losses, nested, nested_in_a_subclass, frozen],
    ids=lambda b: b.__name__,
)
def test_models_of_all_kinds(build, twins, data):
    pair = twins(build, lambda lib: {"optimizer": lib.optimizers.Adam(0.05), "loss": "mse"})
    pair.agree(fit_and_evaluate(data.x, data.one, validation_split=0.5))
    pair.agree(lambda model, lib: [model.get_weights(), model.predict(data.x, verbose=0)])


OPTIMIZERS = {
    "accumulating": lambda o: o.SGD(0.1, gradient_accumulation_steps=2),
    "averaging": lambda o: o.SGD(0.1, use_ema=True, ema_momentum=0.5),
    "clipping on a schedule": lambda o: o.SGD(
        o.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.9, nesterov=True, clipnorm=0.1
    ),
    "decaying": lambda o: o.AdamW(0.05, weight_decay=0.1),
    "scaling the loss": lambda o: o.RMSprop(0.01, loss_scale_factor=8.0),
}


@pytest.mark.parametrize("case", OPTIMIZERS)
def test_optimizers_as_objects(case, twins, data):
    pair = twins(
        stack(), lambda lib: {"optimizer": OPTIMIZERS[case](lib.optimizers), "loss": "mse"}
    )
    pair.agree(fit_and_evaluate(data.x, data.one))
    pair.agree(lambda model, lib: [model.get_weights(), int(model.optimizer.iterations)])


def test_what_changes_between_fits(twins, data):
    """The learning rate; what is trained; the loss and the optimizer."""
    x, y = data.x, data.one

    def fit(model, lib):
        return model.fit(x, y, batch_size=8, verbose=0, shuffle=False).history

    def faster(model, lib):
        model.optimizer.learning_rate = 0.5
        return [fit(model, lib), float(model.optimizer.learning_rate)]

    def other_loss(model, lib):
        model.layers[-2].trainable = False
        model.compile(model.optimizer.__class__(0.1), "mae", metrics=["mse"], run_eagerly=True)
        return [fit(model, lib), model.get_weights()]

    def thawed(model, lib):
        model.layers[-2].trainable = True
        model.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
        return [fit(model, lib), model.get_weights()]

    pair = twins(stack(), lambda lib: {"optimizer": lib.optimizers.Adam(0.01), "loss": "mse"})
    for change in (fit, faster, other_loss, thawed):
        pair.agree(change)


def test_loss_and_metrics_of_ones_own(twins, data):
    def build(lib):
        class Written(lib.Model):
            def __init__(self):
                super().__init__(name="m")
                self.dense = lib.layers.Dense(1)

            def call(self, x):
                return self.dense(x)

            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
                return lib.ops.mean(lib.ops.abs(y - y_pred))

            def compute_metrics(self, x, y, y_pred, sample_weight=None):
                results = super().compute_metrics(x, y, y_pred, sample_weight)
                results["extra"] = lib.ops.mean(y_pred)
                return results

        return Written()

    twins(build, {"metrics": ["mse"]}).agree(fit_and_evaluate(data.x, data.one))


def test_evaluating_without_a_loss(twins, data):
    pair = twins(stack(), {"metrics": ["mae"]})
    ours = pair.agree(lambda model, lib: model.evaluate(data.x, data.one, verbose=0))
    assert ours[0] == 0 and ours[1] > 0


class Hooks:
    """Notes every hook with its arguments."""

    def __init__(self, lib):
        notes = self.notes = []

        def noting(name):
            def hook(callback, *place, logs=None):
                if place and not isinstance(place[-1], int):
                    *place, logs = place
                notes.append([name, *place, dict(logs or {})])

            return hook

        names = [n for n in dir(lib.callbacks.Callback) if n.startswith("on_") and "chunk" not in n]
        names = [n for n in names if n not in ("on_batch_begin", "on_batch_end")]
        hooks = {name: noting(name) for name in names}
        self.callback = type("Notes", (lib.callbacks.Callback,), hooks)()


@pytest.mark.parametrize("execution", [1, 2])
def test_callbacks_hear_the_same(execution, twins, data):
    """Every hook, its place and its logs, where the number of steps is a multiple of an execution's."""

    def use(model, lib):
        hooks = Hooks(lib)
        x, y = data.x[:16], data.one[:16]
        said = {"batch_size": 4, "verbose": 0, "callbacks": [hooks.callback]}
        history = model.fit(x, y, epochs=2, shuffle=False, validation_data=(x, y), **said)
        model.evaluate(x, y, **said)
        model.predict(x, **said)
        return hooks.notes, history.params

    pair = twins(
        stack(),
        {
            "loss": "mse",
            "metrics": ["mae"],
            "steps_per_execution": execution,
            "run_eagerly": execution == 1,
        },
    )
    notes, _ = pair.agree(use)
    assert len(notes) > 20
