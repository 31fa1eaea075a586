"""Opinions beside the models: a rule judge, and language models behind a strict protocol.

`ConvNeXtPredictor`, where document 002 imports it from, is loaded when first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from folkmoot.models.neural.vision import ConvNeXtPredictor as ConvNeXtPredictor


def __getattr__(name: str) -> Any:
    if name != "ConvNeXtPredictor":
        raise AttributeError(f"module 'folkmoot.agents' has no attribute {name!r}")
    from folkmoot.models.neural.vision import ConvNeXtPredictor

    globals()[name] = ConvNeXtPredictor
    return ConvNeXtPredictor
