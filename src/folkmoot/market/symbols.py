"""Find the market that a person means by a name."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from folkmoot.core.errors import AmbiguousSymbol, UnknownSymbol

DOLLARS = ("USDT", "USD")
"""What a bare base currency is taken to be priced in."""


def resolve(symbol: str, markets: Iterable[str]) -> str:
    """Return the one market that `symbol` names; case and separators do not matter.

    A bare base (BTC) is its spot market in USDT or USD, whichever the venue has. Raises
    `AmbiguousSymbol` if several fit, `UnknownSymbol` with the closest names if none does.

    >>> resolve("btc", ["BTC/EUR", "BTC/USDT", "ETH/USDT"])
    'BTC/USDT'
    """
    known = list(markets)
    if symbol in known:
        return symbol
    plain = _plain(symbol)
    for fits in (
        [market for market in known if _plain(market) == plain],
        _priced_in_dollars(plain, [market for market in known if ":" not in market]),
        _priced_in_dollars(plain, [market for market in known if _perpetual(market)]),
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise AmbiguousSymbol(
                f"{symbol!r} may be {len(fits)} markets", where="symbol", allowed=sorted(fits)
            )
    raise UnknownSymbol(
        f"no market is called {symbol!r}", where="symbol", allowed=_close(plain, known)
    )


def _priced_in_dollars(base: str, markets: list[str]) -> list[str]:
    of_base = [market for market in markets if _plain(market.split("/")[0]) == base]
    dollars = [market for market in of_base if _quote(market) in DOLLARS]
    return dollars or of_base


def _plain(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def _quote(market: str) -> str:
    return market.partition("/")[2].partition(":")[0].upper()


def _perpetual(market: str) -> bool:
    return ":" in market and "-" not in market.partition(":")[2]


def _close(plain: str, known: list[str]) -> list[str] | None:
    by_plain = {_plain(market): market for market in known}
    bases = {_plain(market.split("/")[0]): market for market in known}
    near = get_close_matches(plain, by_plain, 5) + get_close_matches(plain, bases, 5)
    names = {**bases, **by_plain}
    return list(dict.fromkeys(names[name] for name in near))[:5] or sorted(known)[:5] or None
