from folkmoot.indicators.classes.named import (
    ADXIndicator,
    CCIIndicator,
    RSIIndicator,
    WaveTrendIndicator,
)
from folkmoot.indicators.classes.reading import Indicator, read_data

__all__ = [
    "ADXIndicator",
    "CCIIndicator",
    "Indicator",
    "RSIIndicator",
    "WaveTrendIndicator",
    "read_data",
]
