"""Gradients by inputs and by layers' outputs: gradient ascent on an image, and a map of what a class looked at."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

rng = np.random.default_rng(21)
inputs = keras.Input((10, 10, 1))
x = keras.layers.Conv2D(3, 3, activation="relu", name="last_conv")(inputs)
pooled = keras.layers.GlobalAveragePooling2D()(x)
outputs = keras.layers.Dense(4)(pooled)
model = keras.Model(inputs, outputs)
model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.get_weights()])
image = tf.constant(rng.uniform(size=(1, 10, 10, 1)).astype("float32"))

# Grad-CAM.
grad_model = keras.Model(model.inputs, [model.get_layer("last_conv").output, model.output])
with tf.GradientTape() as tape:
    conv_output, predictions = grad_model(image)
    pred_index = tf.argmax(predictions[0])
    class_channel = predictions[:, int(pred_index)]
grads = tape.gradient(class_channel, conv_output)
pooled_grads = tf.reduce_mean(grads, axis=(0, 1, 2))
heatmap = tf.squeeze(conv_output[0] @ pooled_grads[..., tf.newaxis])
heatmap = tf.maximum(heatmap, 0) / tf.math.reduce_max(heatmap)
print("class", int(pred_index), "heatmap", heatmap.shape, f"{float(tf.reduce_mean(heatmap)):.5f}")


# A pattern that a filter likes, by ascent.
@tf.function
def ascent(img, rate):
    with tf.GradientTape() as tape:
        tape.watch(img)
        activation = grad_model(img)[0]
        loss = tf.reduce_mean(activation[:, 2:-2, 2:-2, 1])
    grads = tf.math.l2_normalize(tape.gradient(loss, img))
    return loss, img + rate * grads


picture = image
for step in range(4):
    loss, picture = ascent(picture, tf.constant(2.0))
    print(f"step {step}: {float(loss):.5f}")
print("changed", f"{float(tf.reduce_sum(tf.abs(picture - image))):.4f}")

# An adversarial example.
label = tf.one_hot([1], 4)
with tf.GradientTape() as tape:
    tape.watch(image)
    loss = keras.losses.categorical_crossentropy(label, model(image), from_logits=True)
signed = tf.sign(tape.gradient(loss, image))
print("signs", int(tf.reduce_sum(tf.cast(signed > 0, tf.int32))))
