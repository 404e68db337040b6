"""Bad input: one clear error that names the place and the remedy, and the model is as it was before."""

import re

import numpy as np
import pytest

import trivium as tv
from trivium import ops
from trivium.state import seeds, session

generator = np.random.default_rng(8)
X = generator.normal(size=(20, 4)).astype("float32")
LABELS = generator.integers(0, 3, 20)
ONE = generator.normal(size=(20, 1)).astype("float32")
TWO = generator.normal(size=(20, 2)).astype("float32")


def parts():
    dense = tv.layers.Dense
    return [
        dense(5, activation="relu", name="hidden"),
        tv.layers.BatchNormalization(name="norm"),
        tv.layers.Dropout(0.2, name="drop"),
        dense(3, activation="softmax", name="out"),
    ]


def sequential():
    return tv.Sequential(parts(), name="m")


def functional():
    x = y = tv.Input((4,), name="i")
    for layer in parts():
        y = layer(y)
    return tv.Model(x, y, name="m")


class Written(tv.Model):
    def __init__(self):
        super().__init__(name="m")
        self.all = parts()

    def call(self, x):
        for layer in self.all:
            x = layer(x)
        return x


def two():
    """Two named inputs and two named outputs."""
    i, j = tv.Input((4,), name="i"), tv.Input((4,), name="j")
    h = tv.layers.Dense(3, name="h")(tv.layers.add([i, j]))
    outputs = {"a": tv.layers.Dense(1, name="a")(h), "b": tv.layers.Dense(2, name="b")(h)}
    return tv.Model({"i": i, "j": j}, outputs, name="m")


ROADS = [sequential, functional, Written]
INPUTS, TARGETS = {"i": X, "j": X}, {"a": ONE, "b": TWO}


def compiled(build):
    tv.utils.set_random_seed(1)
    model = build()
    if build is two:
        model.compile("adam", "mse")
    else:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train_well(model):
    x, y = (INPUTS, TARGETS) if len(model.output_names) == 2 else (X, LABELS)
    history = model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    return model.weights_sha256(), history.history, seeds.draw_key()


@pytest.fixture(scope="module")
def alone():
    """What a good `fit` gives that no bad one came before."""
    results = {build.__name__: train_well(compiled(build)) for build in (*ROADS, two)}
    return results


# Filled when somebody asks, which says nothing about the model.
LAZY = {
    "_name",
    "_parent",
    "_programs",
    "programs",
    "_compiled",
    "_indices",
    "_policy",
    "_named_by_itself",
}


def attributes(thing):
    """An object's attributes, with lists and dicts by what they hold."""
    return {
        k: list(v) if isinstance(v, list) else dict(v) if isinstance(v, dict) else v
        for k, v in vars(thing).items()
        if k not in LAZY
    }


def state(model):
    """All that a bad call might have changed, by identity."""
    made = model._trainer
    things = list(model._flatten_layers())
    if made is not None:
        things += [made, made.loss, made.metrics, made.optimizer, *model.metrics]
    things = [t for t in things if t is not None]
    for variable in model.metrics_variables:
        variable.initialize()
    variables = [*model.variables, *model.metrics_variables]
    if made is not None and made.optimizer is not None:
        variables += made.optimizer.variables
    return (
        [(t, attributes(t)) for t in things],
        [(v, v._value) for v in variables],
        session.session().position,
    )


def changes(a, b, place=""):
    """Yield the places where two states differ."""
    if isinstance(a, list | tuple) and type(a) is type(b) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from changes(x, y, f"{place}[{i}]")
    elif isinstance(a, dict) and isinstance(b, dict):
        for key in {*a, *b}:
            yield from changes(a.get(key), b.get(key), f"{place}.{key}")
    elif a is not b and not (isinstance(a, int | str) and a == b):
        yield f"{place}: {a!r} became {b!r}"


def refuse(model, call, words, error=ValueError):
    """Assert that a call fails with one clear error and leaves the model as it was; return the message."""
    before = state(model)
    with pytest.raises(error) as caught:
        call(model)
    raised = caught.value
    message = "\n".join([str(raised), *getattr(raised, "__notes__", [])])
    for part in [words] if isinstance(words, str) else words:
        assert re.search(part, message), message
    assert raised.__cause__ is None and (raised.__context__ is None or raised.__suppress_context__)
    assert not list(changes(before, state(model)))
    return message


def stream(*batches):
    return iter(batches)


DATA = {
    "no x": (lambda m: m.fit(None, LABELS), "fit: `x` is missing"),
    "no y": (lambda m: m.fit(X, verbose=0), "no targets `y` were given: pass `y`"),
    "text": (lambda m: m.fit(X.astype(str), LABELS), "fit: `x` holds text .* at .0, 0.*numbers"),
    "objects": (lambda m: m.fit(X.astype(object), LABELS), r"as objects.*astype\('float32'\)"),
    "None in y": (lambda m: m.fit(X, [*LABELS[:-1], None]), r"`y` holds None at \[19\]"),
    "dates": (lambda m: m.fit(X, LABELS.astype("datetime64[s]")), "`y` holds dates or times"),
    "ragged": (lambda m: m.fit([[1.0], [1.0, 2.0]], [0, 1]), "`x` is ragged: row 0 has 1.*row 1"),
    "empty": (lambda m: m.fit(X[:0], LABELS[:0]), r"`x` has no samples: its shape is \(0, 4\)"),
    "lengths": (lambda m: m.fit(X, LABELS[:19]), [r"x: 20 \(shape", r"y: 19 \(shape"]),
    "rank of weights": (
        lambda m: m.fit(X, LABELS, sample_weight=np.ones((20, 3))),
        r"`sample_weight` has shape \(20, 3\).*shape \(20,\)",
    ),
    "both weights": (
        lambda m: m.fit(X, LABELS, sample_weight=np.ones(20), class_weight={0: 1}),
        "were both given",
    ),
    "a class without weight": (
        lambda m: m.fit(X, LABELS, class_weight={0: 1.0}),
        r"no weight for the class\(es\) 1, 2",
    ),
    "labels too high": (
        lambda m: m.fit(X, LABELS + 1),
        r"fit: .*y\[\d+\] is 3, and the output 'out' has 3 classes.*0 to 2; .*units",
    ),
    "labels below zero": (lambda m: m.fit(X, LABELS - 1), r"y\[\d+\] is -1"),
    "labels in between": (lambda m: m.fit(X, LABELS + 0.5), r"y\[0\] is [012]\.5.*whole numbers"),
    "labels to validate on": (
        lambda m: m.fit(X, LABELS, validation_data=(X, LABELS + 1)),
        r"^validation_data: Labels.*y\[\d+\] is 3",
    ),
    "labels to measure by": (lambda m: m.evaluate(X, LABELS + 3), "evaluate: .*is 5.*0 to 2"),
    "labels of one batch": (lambda m: m.train_on_batch(X, LABELS + 3), "^train_on_batch: .*is 5"),
    "labels in a stream": (
        lambda m: m.fit(stream((X, LABELS + 3)), verbose=0),
        "fit: batch 0 of the tuple_iterator: .*is 5",
    ),
    "a target too many": (lambda m: m.fit(X, [LABELS, LABELS]), "2 entries.*one output, 'out'"),
    "a misspelled target": (lambda m: m.fit(X, {"outt": LABELS}), "'outt'.*mean 'out'"),
    "an input too many": (
        lambda m: m.fit([X, X], LABELS),
        ["(one input|takes one input)", r"\(20, 4\).*, \(20, 4\)|\(None, 4\)"],
    ),
    "targets of another shape": (
        lambda m: m.fit(X, np.ones((20, 7))),
        [r"y_true has shape \(20, 7\)", "output 'out'"],
    ),
    "validation inputs of another shape": (
        lambda m: m.fit(X, LABELS, validation_data=(X[:, :3], LABELS), verbose=0),
        [r"\(20, 3\)", "validation_data"],
    ),
    "validation without targets": (
        lambda m: m.fit(X, LABELS, validation_data=X, verbose=0),
        ["no targets `y`", "validation_data"],
    ),
    "validation of four": (
        lambda m: m.fit(X, LABELS, validation_data=(X, LABELS, LABELS, LABELS)),
        r"^validation_data: .*\(x, y, sample_weight\).*tuple of 4",
    ),
    "an empty stream": (lambda m: m.fit(stream()), "gave no batch"),
    "a stream of no tuples": (lambda m: m.fit(stream([1, 2, 3, 4])), r"wanted a tuple: \(x,\)"),
    "y beside a stream": (lambda m: m.fit(stream((X,)), LABELS), "`y` was given beside a tuple_it"),
}
ARGUMENTS = {
    "batch_size": (lambda m: m.fit(X, LABELS, batch_size=0), "`batch_size`.*at least 1.*got 0"),
    "batch_size of validation": (
        lambda m: m.fit(X, LABELS, validation_split=0.1, validation_batch_size=0),
        "`validation_batch_size`.*got 0",
    ),
    "validation_split": (lambda m: m.fit(X, LABELS, validation_split=-0.1), "got -0.1"),
    "validation_split of all": (lambda m: m.fit(X, LABELS, validation_split=1.0), "got 1.0"),
    "validation_split of nothing": (
        lambda m: m.fit(X[:1], LABELS[:1], validation_split=0.5),
        "parts 1 samples into 0 to train on and 1",
    ),
    "validation_freq": (lambda m: m.fit(X, LABELS, validation_freq=0), "`validation_freq`.*got 0"),
    "epochs": (lambda m: m.fit(X, LABELS, epochs=2.5), r"`epochs` is a whole number.*2\.5"),
    "initial_epoch": (lambda m: m.fit(X, LABELS, initial_epoch=-1), "`initial_epoch`.*got -1"),
    "steps_per_epoch": (lambda m: m.fit(X, LABELS, steps_per_epoch=0), "`steps_per_epoch`.*got 0"),
    "shuffle": (lambda m: m.fit(X, LABELS, shuffle="bacth"), "\"batch\"; got 'bacth'"),
}
TYPES = {
    "fit": (lambda m: m.fit(X, LABELS, epoch=3), "`fit` has no argument 'epoch'.*'epochs'"),
    "compile": (lambda m: m.compile(optimiser="sgd"), "'optimiser'.*mean 'optimizer'"),
    "evaluate": (lambda m: m.evaluate(X, LABELS, retun_dict=True), "mean 'return_dict'"),
    "predict": (lambda m: m.predict(X, batchsize=3), "mean 'batch_size'"),
    "train_on_batch": (lambda m: m.train_on_batch(X, LABELS, weight=1), "'weight'"),
    "a callback's class": (
        lambda m: m.fit(X, LABELS, callbacks=[tv.callbacks.EarlyStopping]),
        r"write EarlyStopping\(\.\.\.\)",
    ),
    "no callback": (lambda m: m.fit(X, LABELS, callbacks=["x"]), r"callbacks\[0\] is 'x'"),
    "an optimizer": (lambda m: m.compile(optimizer=3), "3 as an optimizer: give a name"),
    "a loss": (lambda m: m.compile(loss=3), "3 as a loss"),
    "a metric": (lambda m: m.compile(metrics=[3]), "3 as a metric"),
}
NAMES = {
    "optimizer": ({"optimizer": "sdg"}, "Unknown optimizer 'sdg'. Did you mean 'sgd'"),
    "loss": ({"loss": "categorical_crosentropy"}, "mean 'categorical_crossentropy'"),
    "loss in a dict": ({"loss": {"out": "msee"}}, "Unknown loss 'msee'. Did you mean 'mse'"),
    "metric": ({"metrics": ["acuracy"]}, "Unknown metric 'acuracy'. Did you mean 'accuracy'"),
    "weighted metric": ({"weighted_metrics": ["mea"]}, "'mea'.*'mae'"),
    "metric as a loss": ({"loss": "accuracy"}, r"is a metric, and no loss.*metrics=\['accuracy'\]"),
    "metrics without a list": ({"metrics": "mae"}, r"Write metrics=\['mae'\]"),
    "steps": ({"steps_per_execution": 0}, "`steps_per_execution`.*got 0"),
}


@pytest.mark.parametrize("case", DATA)
def test_data(case, alone):
    model = compiled(sequential)
    refuse(model, *DATA[case])
    assert not model.built
    assert train_well(model) == alone["sequential"]


@pytest.mark.parametrize("build", [functional, Written], ids=lambda b: b.__name__)
def test_data_on_the_other_roads(build, alone):
    """One bad call after the other; none leaves anything behind."""
    model = compiled(build)
    for call, words in DATA.values():
        refuse(model, call, words)
    assert train_well(model) == alone[build.__name__]


@pytest.mark.parametrize("build", ROADS, ids=lambda b: b.__name__)
def test_data_after_training(build):
    model, other = compiled(build), compiled(build)
    train_well(model)
    for call, words in DATA.values():
        refuse(model, call, words)
    again = train_well(model)
    compiled_again = compiled(build)
    train_well(compiled_again)
    assert train_well(compiled_again) == again
    assert other.weights_sha256() != again[0] or not other.built


def test_arguments(alone):
    model = compiled(sequential)
    for call, words in ARGUMENTS.values():
        refuse(model, call, words)
    for call, words in TYPES.values():
        refuse(model, call, words, TypeError)
    for options, words in NAMES.values():
        refuse(model, lambda m, options=options: m.compile(**options), words)
    assert train_well(model) == alone["sequential"]


def recompiled(**options):
    def call(model):
        model.compile("adam", **({"loss": "mse"} | options))
        model.fit(INPUTS, TARGETS, verbose=0)

    return call


def fit(x=INPUTS, y=TARGETS, **options):
    return lambda model: model.fit(x, y, verbose=0, **options)


OUTPUTS = {
    "a misspelled input": (
        fit({"i": X, "jj": X}),
        "data has 'i', 'jj', and no 'j'. Did you mean 'jj'",
    ),
    "one input for two": (fit(X), r"2 inputs, 'i', 'j'; it was given one array"),
    "an input too many": (fit([X, X, X]), "2 inputs.*given 3 arrays"),
    "a misspelled target": (fit(y={"a": ONE, "bb": TWO}), "'bb'.*2 outputs.*mean 'b'"),
    "a missing target": (fit(y={"a": ONE}), "'b' has a loss, and `y` has no target for it"),
    "one target for two": (fit(y=ONE), "`y` has 1 entry.*2 outputs, 'a', 'b'"),
    "a target too many": (fit(y=[ONE, TWO, TWO]), "`y` has 3 entries"),
    "a target of another shape": (
        fit(y={"a": ONE, "b": np.ones((20, 5))}),
        [r"y_true has shape \(20, 5\)", "loss 'mse' of the output 'b'"],
    ),
    "class weights": (fit(class_weight={0: 1.0}), "a model with a single output"),
    "misspelled weights": (
        fit(sample_weight={"a": np.ones(20), "c": np.ones(20)}),
        r"keys \['a', 'c'\], but `y`.*\['a', 'b'\]",
    ),
}
COMPILED = {
    "losses": ({"loss": ["mse"] * 3}, "`loss` has 3 entries.*2 outputs"),
    "a misspelled loss": ({"loss": {"a": "mse", "bb": "mse"}}, "`loss` has an entry 'bb'"),
    "no losses": ({"loss": [None, None]}, "No output has a loss"),
    "weights of losses": ({"loss_weights": [1, 2, 3]}, "`loss_weights` has 3 entries"),
    "a misspelled weight": ({"loss_weights": {"a": 1, "c": 2}}, "`loss_weights` has an entry 'c'"),
    "weights in words": ({"loss_weights": ["1", "2"]}, "'1' for the output 'a'; wanted a number"),
    "metrics": ({"metrics": ["mae"]}, "`metrics` has 1 entry.*2 outputs, 'a', 'b'"),
    "misspelled metrics": ({"metrics": {"aa": ["mae"]}}, "`metrics` has an entry 'aa'.*mean 'a'"),
}


def test_inputs_and_outputs(alone):
    model = compiled(two)
    for call, words in OUTPUTS.values():
        refuse(model, call, words)
    assert train_well(model) == alone["two"]


@pytest.mark.parametrize("case", COMPILED)
def test_what_was_compiled_does_not_fit_the_outputs(case, alone):
    options, words = COMPILED[case]
    model = compiled(two)
    model.compile("adam", **({"loss": "mse"} | options))
    refuse(model, fit(), words)
    model.compile("adam", "mse")
    assert train_well(model) == alone["two"]


def test_labels_of_one_output_among_many():
    x = tv.Input((4,))
    outputs = {n: tv.layers.Dense(3, activation="softmax", name=n)(x) for n in ("a", "b")}
    model = tv.Model(x, outputs)
    model.compile("sgd", "sparse_categorical_crossentropy")
    y = {"a": LABELS, "b": LABELS + 1}
    refuse(model, fit(X, y), r"y\['b'\]\[\d+\] is 3, and the output 'b' has 3 classes")


def test_labels_that_do_not_count_may_be_anything():
    loss = tv.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    model = sequential()
    model.compile("sgd", loss)
    model.fit(X, np.where(LABELS == 0, -1, LABELS), verbose=0)
    refuse(model, lambda m: m.fit(X, LABELS - 2), r"is -2")


def test_values_that_are_not_finite_are_named():
    x, weight = X.copy(), np.ones(20)
    x[3, 1], weight[5] = np.nan, np.inf
    model = compiled(sequential)
    with pytest.warns(UserWarning) as caught:
        model.fit(x, LABELS, sample_weight=weight, verbose=0)
    [message] = [str(w.message) for w in caught]
    assert "`x`: 1 NaN; the first in row 3" in message
    assert "`sample_weight`: 1 infinite; the first in row 5" in message
    with pytest.warns(UserWarning, match="validation_data: .*\n.*`x`: 1 NaN; the first in row 3"):
        model.fit(X, LABELS, validation_data=(x, LABELS), verbose=0)
    with pytest.warns(UserWarning, match=r'predict: .*\n.*`x\["a"\]`: 1 NaN'):
        functional().predict({"a": x, "i": X}, verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_before_compile(method):
    model = sequential()
    words = [f"'m' is not compiled, so `{method}`", r"`compile\(optimizer="]
    refuse(model, lambda m: getattr(m, method)(X, LABELS), words)
    assert model.predict(X, verbose=0).shape == (20, 3)


def test_without_a_loss_or_an_optimizer():
    model = sequential()
    model.compile("sgd")
    refuse(model, lambda m: m.fit(X, LABELS, verbose=0), "no loss to train by")
    model.compile(None, "sparse_categorical_crossentropy")
    refuse(model, lambda m: m.fit(X, LABELS, verbose=0), "without an optimizer")
    assert model.evaluate(X, LABELS, verbose=0) > 0


def test_an_error_of_the_users_own_before_the_first_step(alone):
    """A callback that fails before anything is trained: the model is not even built."""

    class Failing(tv.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise ZeroDivisionError("mine")

    model = compiled(sequential)
    before = state(model)
    with pytest.raises(ZeroDivisionError, match="mine"):
        model.fit(X, LABELS, callbacks=[Failing()], verbose=0)
    assert not list(changes(before, state(model))) and not model.built
    assert train_well(model) == alone["sequential"]


def test_an_error_of_the_users_own_after_some_steps():
    """What has been trained by then is kept, and the model goes on."""

    class Failing(tv.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise ZeroDivisionError("mine")

    model = compiled(sequential)
    with pytest.raises(ZeroDivisionError, match="mine"):
        model.fit(X, LABELS, batch_size=8, callbacks=[Failing()], verbose=0)
    assert model.built and int(model.optimizer.iterations) == 2
    model.fit(X, LABELS, batch_size=8, verbose=0)
    assert int(model.optimizer.iterations) == 5


def test_a_step_that_fails_as_plain_python(alone):
    class Failing(tv.Sequential):
        fails = True

        def train_step(self, state, data):
            if self.fails:
                raise ZeroDivisionError("mine")
            return super().train_step(state, data)

    tv.utils.set_random_seed(1)
    model = Failing(parts(), name="m")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    for eager in (True, False):
        model.run_eagerly = eager
        refuse(model, lambda m: m.fit(X, LABELS, verbose=0), "mine", ZeroDivisionError)
        assert not model.built
    model.fails = False
    assert train_well(model) == alone["sequential"]


def test_a_layer_that_fails_to_build_leaves_those_inside_unbuilt():
    class Outer(tv.Layer):
        def __init__(self, fails):
            super().__init__()
            self.inner, self.fails = tv.layers.Dense(3), fails

        def build(self, input_shape):
            self.inner.build(input_shape)
            if self.fails:
                raise ZeroDivisionError("mine")

        def call(self, x):
            return self.inner(x)

    layer = Outer(fails=True)
    with pytest.raises(ZeroDivisionError):
        layer(X)
    assert not layer.inner.built and not layer.built
    layer.fails = False
    assert layer(np.ones((2, 7))).shape == (2, 3)


def test_models_that_give_or_learn_nothing():
    class Silent(tv.Model):
        def call(self, x):
            self.dense = tv.layers.Dense(1)

    class Fresh(tv.Model):
        def call(self, x):
            return tv.layers.Dense(1)(x)

    model = Silent(name="silent")
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"'silent' has no outputs: .*None.*`?return"):
        model.fit(X, ONE, verbose=0)
    model = Fresh(name="fresh")
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match=r"'fresh' has no trainable weights.*`__init__`"):
        model.fit(X, ONE, verbose=0)


def test_a_loss_that_is_no_number():
    model = functional()
    model.compile("sgd", tv.losses.SparseCategoricalCrossentropy(reduction="none"))
    refuse(model, lambda m: m.fit(X, LABELS, verbose=0), r"shape \(20,\), and training needs one")


def test_errors_of_functions_of_ones_own_say_whose_they_are():
    model = functional()
    model.compile("sgd", lambda y: y)
    refuse(model, lambda m: m.fit(X, LABELS), "In the loss 'lambda' of the output 'out'", TypeError)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[lambda y: y])
    words = "In the metric 'lambda' of the output 'out'"
    refuse(model, lambda m: m.fit(X, LABELS), words, TypeError)


class Branching(tv.Model):
    def __init__(self):
        super().__init__(name="branching")
        self.dense = tv.layers.Dense(1)

    def call(self, x):
        y = self.dense(x)
        if ops.mean(y) > 0:
            return y
        return -y


def test_tensor_values_in_python_conditions():
    model = Branching()
    model.compile("sgd", "mse")
    message = refuse(model, lambda m: m.fit(X, ONE), r"test_bad_input\.py:\d+: ", tv.CaptureError)
    assert "ops.where" in message and "run_eagerly=True" in message
    assert not model.dense.built


NOT_BUILT = {
    "a weight": (lambda layer: layer.kernel, AttributeError, "'kernel'.*not built yet"),
    "call": (lambda layer: layer.call(X), AttributeError, "'kernel'.*not built yet"),
    "count_params": (lambda layer: layer.count_params(), ValueError, "no weights yet.*build"),
    "set_weights": (lambda layer: layer.set_weights([X]), ValueError, "not built yet"),
    "stateless_call": (
        lambda layer: layer.stateless_call([], [], X),
        ValueError,
        "not built.*before `stateless_call`",
    ),
    "output": (lambda layer: layer.output, AttributeError, "not been called on symbolic tensors"),
}


@pytest.mark.parametrize("case", NOT_BUILT)
def test_a_layer_used_before_it_is_built(case):
    use, error, words = NOT_BUILT[case]
    layer = tv.layers.Dense(3, name="early")
    with pytest.raises(error, match=f"'early'.*{words}"):
        use(layer)
    assert not layer.built
    assert not hasattr(layer, "kernel") and getattr(layer, "kernel", None) is None


@pytest.mark.parametrize("use", ["summary", "output", "inputs", "fingerprint", "graph"])
def test_a_model_used_before_it_is_built(use, capsys):
    model = sequential()
    if use == "summary":
        model.summary()
        assert "Not built: call the model on data" in capsys.readouterr().out
    else:
        with pytest.raises(ValueError, match=r"'m' is not built.*call it on data, or `build"):
            value = getattr(model, use)
            value()


CALLS = {
    "numbers": ([[1.0, 2.0]], TypeError, r"'d' \(Dense\) takes arrays; got \[\[1.0, 2.0\]\]"),
    "text": ("abc", TypeError, r"'d' \(Dense\) takes arrays; got 'abc'"),
    "two arrays": ([X, X], ValueError, r"takes one input; it was called on 2, of shapes \(20, 4\)"),
    "one axis": (X[0], ValueError, r"wants at least 2 dimensions of its input; got shape \(4,\)"),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_layer_called_on_what_it_does_not_take(case):
    inputs, error, words = CALLS[case]
    layer = tv.layers.Dense(3, name="d")
    with pytest.raises(error, match=words):
        layer(inputs)
    assert not layer.built


def test_models_that_make_no_sense():
    a, b = tv.Input((3,), name="left"), tv.Input((3,), name="right")
    with pytest.raises(ValueError, match=r"one input.*Model\(inputs=\[a, b\]"):
        tv.Sequential([a, b, tv.layers.Dense(1)])
    with pytest.raises(tv.DisconnectedGraphError, match=r"'right'.*needed by 'd'.*\['left'\]"):
        tv.Model(a, tv.layers.Dense(1, name="d")(b))
    with pytest.raises(TypeError, match=r"symbolic tensors.*array of shape \(20, 4\)"):
        tv.Model(X, X)
    with pytest.raises(ValueError, match=r"activation 'rleu'.* 'relu'"):
        tv.layers.Dense(3, activation="rleu")
