"""For tests of your own: what must hold for a layer, whoever wrote it."""

from trivium.testing.check import check_layer
from trivium.testing.report import Finding, LayerCheckError, Report

__all__ = ["Finding", "LayerCheckError", "Report", "check_layer"]
