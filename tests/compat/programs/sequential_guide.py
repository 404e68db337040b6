"""Sequential models: making them, looking at them, taking features out of them, freezing parts of them."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(1)


def give_weights(model):
    numbers = np.random.default_rng(7)
    model.set_weights([numbers.normal(0.0, 0.3, w.shape) for w in model.get_weights()])


# A stack, called on data.
model = keras.Sequential(
    [
        layers.Dense(2, activation="relu", name="first"),
        layers.Dense(3, activation="relu", name="second"),
        layers.Dense(4, name="third"),
    ]
)
print("built before data:", model.built)
y = model(np.ones((3, 3), "float32"))
print("output", y.shape, "layers", [layer.name for layer in model.layers])
print("weights", [w.shape for w in model.weights])

# Layer by layer, and one back.
model = keras.Sequential(name="grown")
model.add(keras.Input(shape=(6,)))
model.add(layers.Dense(5, activation="tanh"))
model.add(layers.Dense(4))
model.add(layers.Dense(2))
model.pop()
print(model.name, len(model.layers), model.output_shape, model.count_params())

# Convolutions, whose shapes follow from the input's.
model = keras.Sequential(
    [
        keras.Input(shape=(20, 20, 3)),
        layers.Conv2D(4, 5, strides=2, activation="relu"),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(3),
        layers.GlobalMaxPooling2D(),
        layers.Dense(3, activation="softmax"),
    ]
)
for layer in model.layers:
    print(layer.__class__.__name__, layer.output.shape)
give_weights(model)
images = rng.random((4, 20, 20, 3)).astype("float32")
print("class scores", np.asarray(model(images)).round(5).tolist())

# All layers' outputs at once, then one of them.
features = keras.Model(model.inputs, [layer.output for layer in model.layers])
print("features", [f.shape for f in features([images])])
pooled = keras.Model(inputs=model.inputs, outputs=model.layers[3].output)
print("pooled", pooled([images]).shape, float(np.sum(pooled([images]))))

# Transfer: all but the last layer stay as they are.
model = keras.Sequential(
    [
        keras.Input(shape=(8,)),
        layers.Dense(6, activation="relu"),
        layers.Dense(6, activation="relu"),
        layers.Dense(3),
    ]
)
for layer in model.layers[:-1]:
    layer.trainable = False
print("trainable", len(model.trainable_weights), "frozen", len(model.non_trainable_weights))
give_weights(model)
before = [np.asarray(w) for w in model.get_weights()]
model.compile(
    optimizer=keras.optimizers.SGD(0.1),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
x, y = rng.normal(size=(30, 8)).astype("float32"), rng.integers(0, 3, 30)
history = model.fit(x, y, batch_size=10, epochs=3, shuffle=False, verbose=0)
print("loss", history.history["loss"])
print("moved", [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)])

# On top of another model.
top = keras.Sequential([keras.Input((8,)), model, layers.Dense(1, activation="sigmoid")])
give_weights(top)
print("on top", top.output_shape, len(top.weights), float(np.mean(top(x))))
