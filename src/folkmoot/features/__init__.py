"""Named sets of stationary columns, the labels they are to foretell, and a model's view of both."""

from folkmoot.features.column import HIGHER, Column, Mirror
from folkmoot.features.feature_set import FeatureSet, Table, feature_set, feature_sets
from folkmoot.features.fracdiff import fractional_difference
from folkmoot.features.gaf_image import (
    flat_windows,
    gaf_fusion,
    gaf_images,
    generate_gaf_3channel,
)
from folkmoot.features.labels import UNKNOWN_AT, Labels, labels
from folkmoot.features.panel import CrossSection, cross_section
from folkmoot.features.price_features import (
    calculate_price_features,
    create_feature_matrix,
    normalize_features,
)
from folkmoot.features.scaling import (
    MinMaxScaler,
    RankScaler,
    RobustScaler,
    Scaler,
    ZScoreScaler,
    scaler_named,
    scaler_of,
)
from folkmoot.features.sets.bars import BARS_SET
from folkmoot.features.volatility import ewma_vol
from folkmoot.features.windows import windows

__all__ = [
    "BARS_SET",
    "HIGHER",
    "UNKNOWN_AT",
    "Column",
    "CrossSection",
    "FeatureSet",
    "Labels",
    "MinMaxScaler",
    "Mirror",
    "RankScaler",
    "RobustScaler",
    "Scaler",
    "Table",
    "ZScoreScaler",
    "calculate_price_features",
    "create_feature_matrix",
    "cross_section",
    "ewma_vol",
    "feature_set",
    "feature_sets",
    "flat_windows",
    "fractional_difference",
    "gaf_fusion",
    "gaf_images",
    "generate_gaf_3channel",
    "labels",
    "normalize_features",
    "scaler_named",
    "scaler_of",
    "windows",
]
