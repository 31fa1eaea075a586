"""Members of the committee that learn from bars: one file a family, whose `PLUGIN` is the class.

The classes of documents 001 and 004 come from here as well, those made of torch when asked for:
`LSTMModel`, `TFTModel`, `TradingModel`, `LorentzianClassifier`, `LogisticRegression`.
"""

import importlib
from typing import Any

from folkmoot.core import plugins

BASELINES = ("base_rate", "always_up", "last_sign", "opposite_sign", "persistence", "ar1")
"""What a member has to beat to be worth listening to."""

REFERENCES = ("base_rate", "persistence", "ar1")
"""The baselines whose probabilities mean something, not only their direction."""

DEFAULT = ("logistic", "lightgbm", "lorentzian")
"""The members of a committee that names none."""

FAMILIES = True

OWN_FILES = True

MACHINERY = frozenset(
    {
        "boosting",
        "calls",
        "ewma_scale",
        "forest",
        "forest_catboost",
        "forest_lightgbm",
        "forest_xgboost",
        "garch_fit",
        "held_out",
        "logistic_stream",
        "logistic_regression",
        "lorentzian_classifier",
        "lorentzian_loop",
        "memory",
        "networks",
        "neural",
        "newton",
        "own",
        "rows",
        "scaling",
        "spread",
    }
)
"""Files of this folder that members share and that are no members themselves."""

CLASSES = {
    "LSTMModel": "networks.lstm_model",
    "LogisticRegression": "logistic_regression",
    "LorentzianClassifier": "lorentzian_classifier",
    "TFTModel": "networks.tft",
    "TradingModel": "networks.trading_model",
}
"""Classes that are asked for by name, and the file of this folder that each is in."""

MODELS: tuple[str, ...]
"""The names of all members, sorted; found by file name and by entry point."""


def build(name: str, **options: Any) -> Any:
    """Construct the member of that name, or of a file of yours (`./mine.py`), untrained.

    Raises `UsageError` that lists the names, `UnknownOption` that lists the options.

    >>> build("persistence", pseudo_counts=10.0).horizons
    (1,)
    """
    return plugins.build(__name__, name, **options)


def __getattr__(attribute: str) -> Any:
    if attribute == "MODELS":
        return tuple(plugins.names(__name__))
    if attribute in CLASSES:
        return getattr(importlib.import_module(f"{__name__}.{CLASSES[attribute]}"), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
