"""Distillation: a small network learns from what a large one, already trained, gives."""

from trivium.distillation.distiller import Distiller
from trivium.distillation.losses import DistillationLoss, FeatureDistillation, LogitsDistillation

__all__ = ["DistillationLoss", "Distiller", "FeatureDistillation", "LogitsDistillation"]
