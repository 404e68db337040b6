"""Factors of low rank and quantized kernels: one table of layers, against the real Keras and by the definition."""

import copy
import json
import pickle
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import layers, quantizers

RNG = np.random.default_rng(5)
VECTORS = RNG.normal(size=(3, 7)).astype("float32")
SEQUENCES = RNG.normal(size=(2, 5, 6)).astype("float32")
IMAGES = RNG.normal(size=(2, 6, 5, 4)).astype("float32")
NUMBERS = RNG.integers(9, size=(2, 4)).astype("int32")

# A layer's class, its arguments, and its input.
LAYERS = {
    "dense": ("Dense", {"units": 5, "activation": "tanh"}, VECTORS),
    "dense of sequences": ("Dense", {"units": 3, "use_bias": False}, SEQUENCES),
    "einsum": ("EinsumDense", {"equation": "abc,cde->abed", "output_shape": (None, 3, 2), "bias_axes": "d"}, SEQUENCES),
    "einsum of two axes": ("EinsumDense", {"equation": "abc,bcd->ad", "output_shape": 4}, SEQUENCES),
    "einsum turned": ("EinsumDense", {"equation": "...c,dc->...d", "output_shape": 4}, SEQUENCES),
    "einsum of rows": ("EinsumDense", {"equation": "abc,bcd->abd", "output_shape": (5, 4)}, SEQUENCES),
    "embedding": ("Embedding", {"input_dim": 9, "output_dim": 7}, NUMBERS),
    "conv": ("Conv2D", {"filters": 6, "kernel_size": 3, "padding": "same", "strides": 2}, IMAGES),
    "conv in groups": ("Conv2D", {"filters": 6, "kernel_size": 2, "groups": 2}, IMAGES),
    "conv of channels first": (
        "Conv1D", {"filters": 4, "kernel_size": 2, "padding": "causal", "data_format": "channels_first"},
        SEQUENCES,
    ),
}  # fmt: skip
# Keras quantizes these, and its einsum along the axes of whole sums.
THEIRS = ["dense", "dense of sequences", "einsum", "einsum of two axes", "embedding"]


def made(library, case, **more):
    name, said, x = LAYERS[case]
    layer = getattr(library.layers, name)(**said, **more, name="layer")
    layer.build(x.shape)
    drawn = np.random.default_rng(1)
    layer.set_weights([drawn.normal(size=w.shape).astype("float32") for w in layer.weights])
    return layer, x


def kernel_of(layer):
    kernel = layer.embeddings if hasattr(type(layer), "embeddings") else layer.kernel
    return np.asarray(getattr(kernel, "value", kernel))


def listed(layer):
    return [[w.name, list(w.shape), str(w.dtype), bool(w.trainable)] for w in layer.weights]


def again(layer, x):
    """Return a layer made from the config, with the same weights."""
    config = json.loads(json.dumps(layer.get_config()))
    other = type(layer).from_config(config)
    other.build(x.shape)
    assert listed(other) == listed(layer)
    other.set_weights(layer.get_weights())
    return other


def slopes(library, layer, x, float8=False):
    """Return the gradients of the weights that are trained."""

    def score(values):
        with library.StatelessScope(list(zip(layer.trainable_variables, values, strict=True))):
            return jnp.sum(jnp.sin(layer(x, training=True) if float8 else layer(x)))

    return jax.grad(score)([v.value for v in layer.trainable_variables])


class TestLowRank:
    @pytest.mark.parametrize("case", [c for c in LAYERS if c != "conv in groups"])
    def test_factors_are_those_of_keras(self, case):
        def used(library):
            layer, x = made(library, case)
            layer.enable_lora(2, lora_alpha=3)
            names = [w.name for w in layer.weights]
            drawn = np.random.default_rng(2)
            values = [drawn.normal(size=w.shape).astype("float32") for w in layer.weights]
            layer.set_weights(values)
            config = library.layers.serialize(layer)["config"]
            said = {k: config[k] for k in ("lora_rank", "lora_alpha")}
            merged = kernel_of(layer)
            return names, listed(layer), said, merged, layer(x), slopes(library, layer, x)

        ours, theirs = both(used)
        assert ours[:3] == theirs[:3]
        for mine, other in zip(jax.tree.leaves(ours[3:]), jax.tree.leaves(theirs[3:]), strict=True):
            np.testing.assert_allclose(mine, other, rtol=2e-4, atol=2e-4)

    @pytest.mark.parametrize("case", LAYERS)
    def test_the_output_is_that_of_the_merged_kernel(self, case):
        layer, x = made(tv, case)
        before = np.asarray(layer(x))
        layer.enable_lora(2, lora_alpha=5, a_initializer="glorot_normal")
        np.testing.assert_array_equal(layer(x), before)  # The second factor is zeros.
        b = layer.weights[-1]
        b.assign(np.random.default_rng(3).normal(size=b.shape))
        plain, _ = made(tv, case)
        values = [kernel_of(layer), *(w.numpy() for w in layer.weights[1:-2])]
        plain.set_weights(values)
        np.testing.assert_allclose(layer(x), plain(x), rtol=1e-4, atol=1e-4)
        for other in (again(layer, x), copy.copy(layer), pickle.loads(pickle.dumps(layer))):
            np.testing.assert_array_equal(other(x), layer(x))
            assert [w.trainable for w in other.weights] == [w.trainable for w in layer.weights]

    def test_the_kernel_stays_frozen(self):
        layer, _ = made(tv, "dense")
        layer.enable_lora(1)
        layer.trainable = False
        assert layer.trainable_weights == []
        layer.trainable = True
        assert [w.name for w in layer.trainable_weights] == [
            "bias", "lora_kernel_a", "lora_kernel_b",
        ]  # fmt: skip

    def test_factors_come_with_the_layer(self):
        layer = layers.Dense(3, lora_rank=2, kernel_regularizer="l2")
        assert layer.lora_alpha == 2 and not layer.lora_enabled
        layer(VECTORS)
        assert (
            layer.lora_enabled and len(layer.losses) == 2
        )  # Of the two factors: they are trained.
        assert "lora_rank" not in layers.Dense(3).get_config()


CONFIGS = {
    "int8": {"mode": "int8"},
    "int8 weights": ("Int8QuantizationConfig", {"activation_quantizer": None}),
    "int4": {"mode": "int4"},
    "int4 in threes": ("Int4QuantizationConfig", {"block_size": 3}),
    "int4 by output": ("Int4QuantizationConfig", {"block_size": None}),
}  # fmt: skip


class TestWholeNumbers:
    def quantized(self, library, case, config):
        layer, x = made(library, case)
        said = CONFIGS[config]
        if isinstance(said, tuple):
            name, arguments = said
            said = {"config": getattr(library.quantizers, name)(**arguments)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Keras's own way to NumPy.
            layer.quantize(**said)
        return layer, x

    @pytest.mark.parametrize("config", CONFIGS)
    @pytest.mark.parametrize("case", THEIRS)
    def test_weights_and_outputs_are_those_of_keras(self, case, config):
        def used(library):
            layer, x = self.quantized(library, case, config)
            written = library.layers.serialize(layer)["config"]
            said = {k: written[k] for k in ("dtype", "quantization_config")}
            return (
                listed(layer),
                said,
                kernel_of(layer),
                [np.asarray(w.value) for w in layer.weights],
                layer(x),
            )

        ours, theirs = both(used)
        assert ours[:2] == theirs[:2]
        if config != "int4 in threes":  # Where a group has one sign, Keras cuts it off.
            np.testing.assert_array_equal(ours[2], theirs[2])
            for mine, other in zip(ours[3], theirs[3], strict=True):
                np.testing.assert_allclose(mine, other, rtol=1e-5)
            np.testing.assert_allclose(ours[4], theirs[4], rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize(
        ("case", "config"),
        [
            (case, config)
            for case in LAYERS
            for config in CONFIGS
            if case in ("dense", "conv") or config in ("int8", "int4")
        ],
    )
    def test_the_error_is_that_of_rounding(self, case, config):
        layer, x = made(tv, case)
        exact, largest = np.asarray(layer(x)), np.abs(kernel_of(layer)).max()
        layer, _ = self.quantized(tv, case, config)
        error = np.abs(np.asarray(layer(x)) - exact).max()
        step = largest / (127 if config[:4] == "int8" else 7)
        terms = 1 if case == "embedding" else np.abs(x).sum() / len(x)
        assert 0 < error < step * terms
        for other in (again(layer, x), copy.copy(layer), pickle.loads(pickle.dumps(layer))):
            np.testing.assert_array_equal(other(x), layer(x))
        if case in ("dense", "embedding", "conv"):  # Compiling is what costs.
            np.testing.assert_allclose(jax.jit(layer)(x), layer(x), rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("case", ["dense", "einsum of two axes", "conv"])
    def test_gradients_pass_the_rounding(self, case):
        layer, x = self.quantized(tv, case, "int8")
        plain, _ = made(tv, case)
        wanted = jax.grad(lambda x: jnp.sum(plain(x) ** 2))(x)
        got = jax.grad(lambda x: jnp.sum(layer(x) ** 2))(x)
        assert np.abs(got - wanted).max() < 0.05 * np.abs(wanted).max()
        assert all(np.isfinite(s).all() for s in slopes(tv, layer, x))

    @pytest.mark.parametrize("config", ["int8", "int4"])
    @pytest.mark.parametrize("case", ["dense", "embedding", "conv"])
    def test_factors_on_a_quantized_kernel(self, case, config):
        layer, x = self.quantized(tv, case, config)
        layer.enable_lora(2)
        factors = [w for w in layer.weights if "lora" in w.name]
        for i, w in enumerate(factors):
            w.assign(np.random.default_rng(i).normal(size=w.shape))
        merged = kernel_of(layer)
        plain, _ = made(tv, case)
        plain.set_weights([merged, *plain.get_weights()[1:]])
        error = np.abs(np.asarray(layer(x)) - plain(x)).max()
        assert error < (0.05 if config == "int8" else 1e-4) * max(
            1, np.abs(np.asarray(plain(x))).max()
        )
        # The other way about is the same: what is kept, is kept in fewer bits, and the factors stay.
        other, _ = made(tv, case)
        other.enable_lora(2)
        other.quantize(**CONFIGS[config])
        assert listed(other) == listed(layer)
        np.testing.assert_array_equal(again(layer, x)(x), layer(x))

    def test_half_types_keep_their_dtype(self):
        layer = layers.Dense(3, dtype="mixed_bfloat16")
        layer(VECTORS)
        for mode in ("int8", "int4"):
            quantized = copy.copy(layer)
            quantized.quantize(mode)
            assert quantized(VECTORS).dtype == "bfloat16"
            assert quantized.dtype_policy.name.endswith("_from_mixed_bfloat16")
            np.testing.assert_allclose(
                quantized(VECTORS).astype("float32"), layer(VECTORS).astype("float32"), atol=0.3
            )

    def test_a_layer_is_quantized_from_the_start(self):
        def used(library):
            layer = library.layers.Dense(3, dtype="int8_from_float32", name="layer")
            layer.build((None, 4))
            return listed(layer), [np.asarray(w.value) for w in layer.weights]

        ours, theirs = both(used)
        assert ours[0] == theirs[0]
        for mine, other in zip(ours[1], theirs[1], strict=True):
            np.testing.assert_array_equal(mine, other)

    def test_unknown_numbers_give_zeros_in_programs(self):
        for config in ("int8", "int4"):
            layer, _ = self.quantized(tv, "embedding", config)
            assert not np.asarray(jax.jit(layer)(np.array([9, -1]))).any()

    def test_quantizers_of_ones_own(self):
        coarse = quantizers.AbsMaxQuantizer(axis=0, value_range=(-3, 3))
        layer, x = made(tv, "dense")
        layer.quantize(config=quantizers.Int8QuantizationConfig(weight_quantizer=coarse))
        assert set(np.unique(layer.kernel.numpy())) <= set(range(-3, 4))
        np.testing.assert_array_equal(again(layer, x)(x), layer(x))
        layer, _ = made(tv, "conv")
        with pytest.raises(ValueError, match=r"Layer 'layer' .*`axis=\(0, 1, 2\)`"):
            layer.quantize(config=quantizers.Int8QuantizationConfig(weight_quantizer=coarse))
        assert layer.quantization_mode is None and layer.kernel.dtype == "float32"


class TestEightBitFloats:
    @pytest.mark.parametrize("case", ["dense", "einsum of two axes"])
    def test_scales_and_histories_are_those_of_keras(self, case):
        def used(library):
            layer, x = made(library, case)
            layer.quantize("float8")
            steps = []
            for _ in range(3):
                slope = slopes(library, layer, x, float8=True)
                for variable, value in zip(layer.trainable_variables, slope, strict=True):
                    if variable.overwrite_with_gradient:
                        variable.assign(value)
                steps.append(
                    {w.name: np.asarray(w.value) for w in layer.weights} | {"outputs": layer(x)}
                )
            return listed(layer), steps

        (mine, ours), (others, theirs) = both(used)
        assert mine == others
        for step, their_step in zip(ours, theirs, strict=True):
            for name in step:
                # Keras adds products up in bfloat16, and rounds gradients with the scale of a step before.
                rounded = name == "outputs" or (
                    name[:12] == "outputs_grad" and name[-5:] != "scale"
                )
                if name != "outputs_grad_scale":
                    rough = {"rtol": 0.02, "atol": 0.02} if rounded else {"rtol": 1e-5}
                    np.testing.assert_allclose(step[name], their_step[name], **rough)

    def test_products_are_those_of_rounded_numbers(self):
        layer, x = made(tv, "dense of sequences")
        layer.quantize("float8")

        def rounded(values, scale, kind="float8_e4m3fn"):
            small = (values / scale).astype(jnp.dtype(kind))
            return small.astype("float32") * np.float32(scale)

        kernel = layer.kernel.numpy()
        layer.inputs_scale.assign(0.01)
        layer.kernel_scale.assign(0.02)
        wanted = rounded(x, 0.01) @ rounded(kernel, 0.02)
        np.testing.assert_allclose(layer(x), wanted, rtol=1e-4, atol=1e-4)
        # While training, the scale is that of the largest of the last steps.
        layer.outputs_grad_amax_history.assign(np.eye(1024)[0] * 2)
        weights = np.cos(np.arange(30)).reshape(2, 5, 3).astype("float32")

        def score(kernel):
            with tv.StatelessScope([(layer.kernel, kernel)]):
                return jnp.sum(weights * layer(x, training=True))

        slope = jax.grad(score)(layer.kernel.value)
        gradient = rounded(weights, 2 / 57344, "float8_e5m2")
        wanted = np.einsum("abc,abd->cd", rounded(x, 0.01), gradient)
        np.testing.assert_allclose(slope, wanted, rtol=1e-4, atol=1e-4)

    def test_training_keeps_scales(self):
        model = tv.Sequential([tv.Input((6,)), layers.Dense(16, "relu"), layers.Dense(1)])
        model.quantize("float8")
        model.compile(tv.optimizers.Adam(0.02), "mse")
        x = RNG.normal(size=(64, 6)).astype("float32")
        history = model.fit(x, x[:, :1] * 2, epochs=12, batch_size=16, verbose=0)
        assert history.history["loss"][-1] < 0.7 * history.history["loss"][0]
        first = model.layers[0]
        assert 0 < float(first.inputs_scale) < 0.1
        assert first.inputs_amax_history.numpy().max() == pytest.approx(np.abs(x).max(), rel=1e-6)

    @pytest.mark.parametrize("eagerly", [False, True])
    def test_two_calls_in_a_step_are_refused(self, eagerly):
        shared = layers.Dense(6, name="shared")
        start = tv.Input((6,))
        model = tv.Model(start, layers.Dense(1)(shared(shared(start))))
        model.quantize("float8")
        assert model(VECTORS[:, :6], training=True).shape == model(VECTORS[:, :6]).shape
        model.compile("sgd", "mse", run_eagerly=eagerly)
        with pytest.raises(NotImplementedError, match=r"shared'.*twice in one step"):
            model.fit(np.ones((4, 6)), np.ones((4, 1)), verbose=0)

    def test_the_history_may_be_short(self):
        policy = tv.dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32", 4)
        layer = layers.Dense(2, dtype=policy)
        layer(VECTORS)
        assert layer.inputs_amax_history.shape == (4,)
        assert type(layer).from_config(layer.get_config()).dtype_policy == policy


class TestModels:
    def network(self):
        return tv.Sequential(
            [
                tv.Input((6,)),
                layers.Dense(5, "relu", name="first"),
                tv.Sequential([layers.Dense(4, name="inner")]),
                layers.Dropout(0.1),
                layers.Dense(2, name="last"),
            ]
        )

    @pytest.mark.parametrize(
        ("filters", "wanted"),
        [
            (None, ["first", "inner", "last"]),
            ("^la", ["last"]),
            (["fir", "inn"], ["first", "inner"]),
            (lambda layer: layer.name != "first", ["inner", "last"]),
        ],
    )
    def test_filters(self, filters, wanted):
        model = self.network()
        model.quantize("int8", filters=filters)
        inside = model._flatten_layers(include_self=False)
        assert [x.name for x in inside if x.quantization_mode] == wanted

    def test_all_layers_are_quantized_or_none(self):
        class Failing(quantizers.AbsMaxQuantizer):
            def __call__(self, x, **settings):
                if len(x) == 5:
                    raise RuntimeError("no such shape")
                return super().__call__(x, **settings)

        model = tv.Sequential([tv.Input((4,)), layers.Dense(5), layers.Dense(2)])
        before = model.weights_sha256()
        config = quantizers.Int8QuantizationConfig(weight_quantizer=Failing(axis=0))
        with pytest.raises(RuntimeError, match="no such shape"):
            model.quantize(config=config)
        assert model.weights_sha256() == before
        assert [layer.quantization_mode for layer in model.layers] == [None, None]
        model.layers[1].quantize("int8")
        with pytest.raises(ValueError, match=r"give `model\.quantize` the filter"):
            model.quantize("int4")
        assert model.layers[0].quantization_mode is None
        model.quantize("int4", filters=lambda x: getattr(x, "quantization_mode", None) is None)
        assert [layer.quantization_mode for layer in model.layers] == ["int4", "int8"]

    def test_all_layers_or_none(self):
        model = self.network()
        model.quantize("int8", filters="last")
        with pytest.raises(ValueError, match=r"'sequential.*/last' .*'int8_from_float32'"):
            model.quantize("int4")
        assert model.get_layer("first").quantization_mode is None

    def test_styles_copies_and_programs(self):
        model = self.network()
        x = RNG.normal(size=(8, 6)).astype("float32")
        plain = model.predict(x, verbose=0)
        model.quantize("int8")
        model.get_layer("last").enable_lora(1)
        quantized = model.predict(x, verbose=0)
        assert 0 < np.abs(quantized - plain).max() < 0.05
        np.testing.assert_allclose(model(x), quantized, atol=1e-6)
        for style in ("functional", "subclass"):
            other = tv.convert(model, style)
            assert other.fingerprint() == model.fingerprint()
            np.testing.assert_array_equal(other.predict(x, verbose=0), quantized)
        clone = tv.models.clone_model(model)
        clone.set_weights(model.get_weights())
        for other in (clone, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(other.predict(x, verbose=0), quantized)
        text = tv.source(model)
        assert 'dtype="int8_from_float32"' in text and "lora_rank=1" in text
        scope = {}
        exec(text, scope)
        written = next(v for v in scope.values() if isinstance(v, tv.Model))
        assert written.fingerprint() == model.fingerprint()

    def test_a_step_trains_the_factors_alone(self):
        model = self.network()
        model.get_layer("first").enable_lora(2)
        model.get_layer("last").trainable = False
        model.get_layer("first").bias.trainable = False
        inner = model.layers[1].layers[0]
        inner.enable_lora(2)
        inner.bias.trainable = False
        before = {w.path: w.numpy() for w in model.weights}
        model.compile("sgd", "mse")
        x = RNG.normal(size=(32, 6)).astype("float32")
        model.fit(x, x[:, :2], epochs=2, verbose=0)
        changed = {w.name for w in model.weights if not np.array_equal(w.numpy(), before[w.path])}
        assert changed == {"lora_kernel_a", "lora_kernel_b"}

    def test_new_weights_want_a_new_optimizer(self):
        model = self.network()
        model.compile("sgd", "mse")
        x = RNG.normal(size=(8, 6)).astype("float32")
        model.fit(x, x[:, :2], verbose=0)
        model.get_layer("first").enable_lora(2)
        with pytest.raises(ValueError, match="Call `compile` again"):
            model.fit(x, x[:, :2], verbose=0)
        model.compile("sgd", "mse")
        model.fit(x, x[:, :2], verbose=0)

    def test_explanations_say_nothing_wrong(self):
        model = tv.Sequential([tv.Input((6,)), layers.Dense(5, "relu")])
        model.layers[0].enable_lora(2)
        text = tv.explain(model).text
        assert "f_" in text or "f₁" in text


class TestFiles:
    def written(self, library):
        model = library.Sequential(
            [library.Input((6,)), library.layers.Dense(5), library.layers.Dense(2)]
        )
        drawn = np.random.default_rng(4)
        model.set_weights([drawn.normal(size=w.shape).astype("float32") for w in model.weights])
        return model

    @pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
    def test_files_of_keras_are_read(self, mode, tmp_path):
        def stored(keras):
            model = self.written(keras)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # It warns of each layer without kernel.
                model.quantize(mode)
            found = []
            for layer in model.layers:
                store = {}
                layer.save_own_variables(store)
                found.append({k: np.asarray(getattr(v, "value", v)) for k, v in store.items()})
            return found, model(VECTORS[:, :6])

        found, outputs = recorded(stored)
        model = self.written(tv)
        model.quantize(mode)
        for layer, store in zip(model.layers, found, strict=True):
            for w in layer.weights:
                w.assign(np.zeros(w.shape))
            layer.load_own_variables(store)
            mine = {}
            layer.save_own_variables(mine)
            assert list(mine) == list(store)
        np.testing.assert_allclose(model(VECTORS[:, :6]), outputs, rtol=0.02, atol=0.02)

    def test_ours_keep_factors(self, tmp_path):
        model = self.written(tv)
        model.quantize("int4", filters="dense_1|dense$")
        first = model.layers[0]
        first.enable_lora(2)
        first.lora_kernel_b.assign(np.ones((2, 5)))
        model.save_weights(tmp_path / "a.weights.h5")
        model.save(tmp_path / "a.keras")
        clone = tv.models.clone_model(model)
        clone.load_weights(tmp_path / "a.weights.h5")
        for other in (clone, tv.models.load_model(tmp_path / "a.keras")):
            assert other.weights_sha256() == model.weights_sha256()
            np.testing.assert_array_equal(other(VECTORS[:, :6]), model(VECTORS[:, :6]))


class TestErrors:
    def refused(self, use, said, kind=ValueError, case="dense"):
        layer, _ = made(tv, case)
        with pytest.raises(kind, match=f"Layer 'layer' .*{said}"):
            use(layer)
        return layer

    def test_low_rank(self):
        for rank in (0, -1, 2.5, None, True, "2"):
            layer = self.refused(
                lambda layer, rank=rank: layer.enable_lora(rank), "above zero; got"
            )
            assert not layer.lora_enabled and len(layer.weights) == 2
            if rank is not None:
                with pytest.raises(
                    ValueError, match="Dense: `lora_rank` is a whole number above zero"
                ):
                    layers.Dense(3, lora_rank=rank)
        with pytest.raises(ValueError, match=r"Layer 'new' .*is not built.*`lora_rank=3`"):
            layers.Dense(3, name="new").enable_lora(3)

        def twice(layer):
            layer.enable_lora(2)
            layer.enable_lora(3)

        self.refused(twice, "of rank 2, and they come once")
        with pytest.raises(ValueError, match="Leave `kernel_constraint` out"):
            layers.Dense(3, kernel_constraint="non_neg", lora_rank=1).build((None, 4))
        with pytest.raises(ValueError, match="`lora_alpha` is a number"):
            layers.Dense(3, lora_rank=1, lora_alpha="big")

    def test_while_a_layer_is_called(self):
        class Net(tv.Model):
            def __init__(self, change):
                super().__init__()
                self.dense = layers.Dense(3)
                self.change = change

            def call(self, inputs):
                outputs = self.dense(inputs)
                self.change(self.dense)
                return outputs

        for change in (lambda d: d.enable_lora(2), lambda d: d.quantize("int8")):
            net = Net(change)
            with pytest.raises(ValueError, match=r"Layer 'net.*/dense.*' .*being called"):
                net(VECTORS)

    def test_quantization(self):
        self.refused(lambda layer: layer.quantize("int7"), "no mode 'int7'. Did you mean 'int")
        self.refused(lambda layer: layer.quantize(), "say how, by `mode`")
        self.refused(lambda layer: layer.quantize(config="int8"), "got 'int8'", TypeError)
        self.refused(lambda layer: layer.quantize("gptq"), "calibrate", NotImplementedError)
        self.refused(
            lambda layer: layer.quantize("int8", config=quantizers.Int4QuantizationConfig()),
            "mode='int8', and `config` is for 'int4'",
        )
        self.refused(
            lambda layer: layer.quantize("float8"), "Take 'int8'", NotImplementedError, "embedding"
        )

        def twice(layer):
            layer.quantize("int4")
            layer.quantize("int8")

        self.refused(
            twice, "to 'int8': it is quantized, with the dtype policy 'int4/128_from_float32'"
        )
        with pytest.raises(ValueError, match=r"Layer 'new' .*not built.*dtype='int8_from_float32'"):
            layers.Dense(3, name="new").quantize("int8")
        half = layers.Dense(3, dtype="float16", name="half")
        half(VECTORS)
        with pytest.raises(ValueError, match=r"Layer 'half' .*float16 holds"):
            half.quantize("int8")
        assert half.kernel.dtype == "float16"
        with pytest.raises(NotImplementedError, match=r"Layer 'dropout.*' .*no kernel"):
            layers.Dropout(0.5).quantize("int8")
        with pytest.raises(NotImplementedError, match=r"'gptq/4/128_from_float32'.*not read here"):
            layers.Dense(3, dtype="gptq/4/128_from_float32").build((None, 4))

    def test_classes_of_ones_own(self):
        class Mine(layers.Dense):
            pass

        model = tv.Sequential([tv.Input((6,)), Mine(3, name="mine"), layers.Dense(2)])
        with pytest.raises(NotImplementedError, match=r"'.*mine' .*`type_check=False`"):
            model.layers[0].quantize("int8")
        with pytest.warns(UserWarning, match="mine.*It stays as it is"):
            model.quantize("int8")
        assert [x.quantization_mode for x in model.layers] == [None, "int8"]
        model.layers[0].quantize("int8", type_check=False)
        assert model.layers[0].quantization_mode == "int8"

    def test_models(self):
        with pytest.raises(ValueError, match=r"Model 'empty' .*not built"):
            tv.Sequential([layers.Dense(2)], name="empty").quantize("int8")
        model = tv.Sequential([tv.Input((6,)), layers.Dense(2)], name="small")
        with pytest.raises(TypeError, match=r"Model 'small': `filters` is .*got 3"):
            model.quantize("int8", filters=3)
        with pytest.raises(ValueError, match=r"Model 'small' .*no mode"):
            model.quantize("int9")
        with pytest.warns(UserWarning, match="no layer has been quantized"):
            model.quantize("int8", filters="nothing")

    def test_a_kernel_before_it_is_there(self):
        with pytest.raises(
            AttributeError,
            match=r"Layer 'new' \(Dense\) has no attribute 'kernel'\. It is not built yet",
        ):
            _ = layers.Dense(3, name="new").kernel
        assert not hasattr(layers.Embedding(3, 2), "embeddings")
