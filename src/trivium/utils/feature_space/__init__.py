"""`FeatureSpace`: the columns of a table, each prepared in its way, as what a network learns from."""

from trivium.utils.feature_space.features import Cross, Feature
from trivium.utils.feature_space.space import FeatureSpace

__all__ = ["Cross", "Feature", "FeatureSpace"]
