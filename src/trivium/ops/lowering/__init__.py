"""The fastest form of an op on the device at hand, chosen per shape; every form gives what the plain one gives."""

from trivium.ops.lowering.convolution import conv, conv_transpose
from trivium.ops.lowering.pooling import average_pool, max_pool

__all__ = ["average_pool", "conv", "conv_transpose", "max_pool"]
