"""Engram: memories of n-grams for markets and for text. Networks load torch when asked for.

`PLUGIN` is the member; `EngramConfig`, `BackBoneConfig`, `CompressedTokenizer` and `TextEngram` are
the text model of document 000; `MarketEngram` is the member's network.
"""

from typing import Any

from folkmoot.models.engram.compression import CompressedTokenizer
from folkmoot.models.engram.hashing import Codebook
from folkmoot.models.engram.member import Engram
from folkmoot.models.engram.settings import BackBoneConfig, EngramConfig
from folkmoot.models.engram.tokens import BarTokens
from folkmoot.models.engram.world import NGramWorld, ngram_world

PLUGIN = Engram

__all__ = [
    "PLUGIN",
    "BackBoneConfig",
    "BarTokens",
    "Codebook",
    "CompressedTokenizer",
    "Engram",
    "EngramConfig",
    "MarketEngram",
    "NGramWorld",
    "TextEngram",
    "ngram_world",
]


def __getattr__(name: str) -> Any:
    if name == "TextEngram":
        from folkmoot.models.networks.engram_text import TextEngram

        return TextEngram
    if name == "MarketEngram":
        from folkmoot.models.networks.engram_market import MarketEngram

        return MarketEngram
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
