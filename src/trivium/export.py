"""Export: models as programs that need no code of theirs."""

from trivium.saving.exporting import ExportArchive, ExportedModel, load_exported

__all__ = ["ExportArchive", "ExportedModel", "load_exported"]
