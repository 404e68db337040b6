"""A training loop of one's own that is checkpointed, interrupted, and taken up by new objects."""

import os
import tempfile

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(2)
x = rng.normal(size=(32, 3)).astype("float32")
y = (x @ [[1.0], [2.0], [-1.0]]).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)


class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = tf.keras.layers.Dense(4, kernel_initializer="ones", activation="tanh")
        self.out = tf.keras.layers.Dense(1, kernel_initializer="zeros")

    def call(self, inputs):
        return self.out(self.hidden(inputs))


def train_step(net, features, targets, optimizer):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(net(features) - targets))
    gradients = tape.gradient(loss, net.trainable_variables)
    optimizer.apply_gradients(zip(gradients, net.trainable_variables, strict=True))
    return loss


folder = os.path.join(tempfile.mkdtemp(), "run")


def train_and_checkpoint(epochs):
    net, optimizer = Net(), tf.keras.optimizers.Adam(0.1)
    net(x[:1])
    optimizer.build(net.trainable_variables)
    checkpoint = tf.train.Checkpoint(step=tf.Variable(0), optimizer=optimizer, net=net)
    manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2)
    checkpoint.restore(manager.latest_checkpoint)
    print("from", os.path.basename(manager.latest_checkpoint or "nothing"))
    for _ in range(epochs):
        for features, targets in dataset:
            loss = train_step(net, features, targets, optimizer)
            checkpoint.step.assign_add(1)
        path = manager.save()
        print(int(checkpoint.step), os.path.basename(path), f"{float(loss):.5f}")
    return net, checkpoint


train_and_checkpoint(3)
net, checkpoint = train_and_checkpoint(2)
print(sorted(f for f in os.listdir(folder) if f.endswith(".index")))
print(os.path.basename(tf.train.latest_checkpoint(folder)), int(checkpoint.save_counter))

again = Net()
again(x[:1])
status = tf.train.Checkpoint(net=again).restore(tf.train.latest_checkpoint(folder))
status.expect_partial()
print("the same", bool(np.allclose(again(x), net(x))))
