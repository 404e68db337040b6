"""Callbacks: what happens between the compiled chunks of a training run."""

from trivium.training.callbacks.backup_and_restore import BackupAndRestore
from trivium.training.callbacks.base import Callback
from trivium.training.callbacks.callback_list import CallbackList
from trivium.training.callbacks.csv_logger import CSVLogger
from trivium.training.callbacks.early_stopping import EarlyStopping
from trivium.training.callbacks.history import History
from trivium.training.callbacks.model_checkpoint import ModelCheckpoint
from trivium.training.callbacks.orbax_checkpoint import OrbaxCheckpoint
from trivium.training.callbacks.progress import ProgbarLogger
from trivium.training.callbacks.remote_monitor import RemoteMonitor
from trivium.training.callbacks.schedules import LearningRateScheduler, ReduceLROnPlateau
from trivium.training.callbacks.small import LambdaCallback, TerminateOnNaN
from trivium.training.callbacks.swap_ema_weights import SwapEMAWeights
from trivium.training.callbacks.tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
