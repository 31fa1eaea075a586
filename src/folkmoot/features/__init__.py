"""Named sets of stationary columns, the labels they are to foretell, and a model's view of both."""

from folkmoot.features.column import HIGHER, Column, Mirror
from folkmoot.features.feature_set import FeatureSet, Table, feature_set, feature_sets
from folkmoot.features.labels import UNKNOWN_AT, Labels, labels
from folkmoot.features.sets.bars import BARS_SET
from folkmoot.features.volatility import ewma_vol
from folkmoot.features.windows import windows

__all__ = [
    "BARS_SET",
    "HIGHER",
    "UNKNOWN_AT",
    "Column",
    "FeatureSet",
    "Labels",
    "Mirror",
    "Table",
    "ewma_vol",
    "feature_set",
    "feature_sets",
    "labels",
    "windows",
]
