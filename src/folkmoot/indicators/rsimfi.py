"""The "money flow" of VuManChu's ciphers, in which there is neither RSI, MFI nor volume."""

from folkmoot.causal import Expr, close, high, low, mean, open_, where


def rsimfi(n: int = 60, multiplier: float = 150.0, shift: float = 2.5, fixed: bool = False) -> Expr:
    """Return the mean share of a bar's range that is its body, up positive, times `multiplier`.

    `shift` is taken off as Cipher B does; Cipher A takes off nothing. A bar without range has no
    share: the mean is unknown while it is among the n (TradingView's own mean passes over it), or
    with `fixed=True` its share is 0.

    >>> rsimfi().warmup
    59
    """
    body, span = close - open_, high - low
    share = where(span > 0.0, body / span, 0.0) if fixed else body / span
    flow = mean(share * multiplier, n)
    return flow - shift if shift else flow
