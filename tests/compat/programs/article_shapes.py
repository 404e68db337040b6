"""The article's two smaller examples: a stack, and what needs more than a stack."""

from tensorflow.keras.layers import Dense, Input, concatenate
from tensorflow.keras.models import Model, Sequential

stack = Sequential(
    [
        Dense(64, activation="relu", input_shape=(784,)),
        Dense(32, activation="tanh"),
        Dense(10, activation="softmax"),
    ]
)

left = Input(shape=(784,), name="input_1")
right = Input(shape=(784,), name="input_2")
x1 = Dense(64, activation="relu", name="dense_1")(left)
x2 = Dense(64, activation="relu", name="dense_2")(right)
x = concatenate([x1, x2], name="concat")
x = Dense(32, activation="tanh", name="dense_3")(x)
two_inputs = Model(inputs=[left, right], outputs=Dense(10, activation="softmax", name="output")(x))

print(stack.output_shape, stack.count_params())
print(two_inputs.output_shape, two_inputs.count_params(), two_inputs.input_shape)
