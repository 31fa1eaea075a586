"""The "money flow" of VuManChu's ciphers, in which there is neither RSI, MFI nor volume."""

from folkmoot.causal import Expr, close, high, low, mean, open_, where
from folkmoot.indicators._checks import checked


@checked()
def rsimfi(n: int = 60, multiplier: float = 150.0, shift: float = 2.5, fixed: bool = False) -> Expr:
    """Return the mean share of a bar's range that is its body, up positive, times `multiplier`.

    `shift` is taken off as Cipher B does; Cipher A takes off nothing. A bar without range has no
    share. As in the script it is then unknown, and here so is every mean over it, by the rule of
    all windows: TradingView's own mean passes over such bars and takes older ones in, which shows
    numbers where this has none, and the same ones elsewhere. With `fixed=True` its share is 0.

    >>> rsimfi().warmup
    59
    """
    body, span = close - open_, high - low
    share = where(span > 0.0, body / span, 0.0) if fixed else body / span
    flow = mean(share * multiplier, n)
    return flow - shift if shift else flow
