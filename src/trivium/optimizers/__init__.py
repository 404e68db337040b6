"""Optimizers: Keras's names, arguments and numbers, each an optax transformation underneath."""

from trivium.optimizers import schedules
from trivium.optimizers.adafactor import Adafactor
from trivium.optimizers.adam import Adam, Adamax, AdamW
from trivium.optimizers.ftrl import Ftrl
from trivium.optimizers.lamb import Lamb
from trivium.optimizers.loss_scale import LossScaleOptimizer
from trivium.optimizers.multi import MultiOptimizer, OptimizerMap
from trivium.optimizers.muon import Muon
from trivium.optimizers.nadam import Nadam
from trivium.optimizers.optax_optimizer import OptaxOptimizer
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.registration import registry
from trivium.optimizers.rmsprop import Adadelta, Adagrad, RMSprop
from trivium.optimizers.schedule_free import ScheduleFreeAdamW
from trivium.optimizers.sgd import SGD, Lion
from trivium.state.faces import faces

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "OptaxOptimizer",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

get, serialize, deserialize = faces(registry, __name__)
