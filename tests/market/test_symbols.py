"""A person's name for a market finds the market, or the choices."""

import pytest

from folkmoot.core.errors import AmbiguousSymbol, UnknownSymbol
from folkmoot.market import resolve

MARKETS = [
    "BTC/USDT", "BTC/EUR", "BTC/USDT:USDT", "BTC/USDT:USDT-261225", "ETH/USDT", "ETH/USD",
    "PEPE/EUR", "PEPE/TRY", "SUI/USDC:USDC", "1INCH/USDT",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("BTC", "BTC/USDT"),
        ("btc", "BTC/USDT"),
        ("BTCUSDT", "BTC/USDT"),
        ("btc-usdt", "BTC/USDT"),
        ("BTC_EUR", "BTC/EUR"),
        ("BTC/USDT:USDT", "BTC/USDT:USDT"),
        ("SUI", "SUI/USDC:USDC"),
        ("1inch", "1INCH/USDT"),
        ("ETH/USD", "ETH/USD"),
    ],
)
def test_a_name_finds_its_market(name: str, market: str) -> None:
    assert resolve(name, MARKETS) == market


@pytest.mark.parametrize(
    ("name", "choices"),
    [("ETH", ["ETH/USD", "ETH/USDT"]), ("PEPE", ["PEPE/EUR", "PEPE/TRY"])],
)
def test_several_markets_are_listed(name: str, choices: list[str]) -> None:
    with pytest.raises(AmbiguousSymbol) as found:
        resolve(name, MARKETS)
    assert found.value.allowed == choices


def test_an_unknown_name_lists_the_closest() -> None:
    with pytest.raises(UnknownSymbol) as found:
        resolve("BTC/UDST", MARKETS)
    assert "BTC/USDT" in (found.value.allowed or [])
    with pytest.raises(UnknownSymbol):
        resolve("", MARKETS)
