"""Swings of a chart, each on the bar that confirms it, and lines through them."""

from folkmoot.causal import inputs
from folkmoot.causal.counts import count
from folkmoot.causal.expr import Expr, Value, as_expr
from folkmoot.causal.tables.pivots import CHANNEL, SWINGS, WATCH
from folkmoot.core.errors import UsageError


def swing(
    high: Value,
    low: Value,
    reach: Value,
    output: str = "turn",
    back: int = 0,
    close: Value = inputs.close,
) -> Expr:
    """Return an output of the zigzag whose legs are at least `reach` long, a series of its own.

    A swing high is confirmed on the first bar whose close lies `reach` or more below the highest
    high since the bar of the last swing low; a low is its mirror image. At most one swing is
    confirmed on a bar, highs and lows take turns, and none is ever moved or taken back. Until the
    first, both are sought. The next low is sought from the bar after the high on, but not on bars
    before the confirmation of the swing before that high, which are forgotten; if the high is on
    its confirming bar, from that bar on.

    Outputs: `turn`, 1 on a bar that confirms a high, -1 a low, else 0; `side`, the last turn;
    `seen`, how many swings are remembered, at most nine; `price` and `age`, the price of the
    `back`-th last confirmed swing (0 is the last) and the known bars since its own bar, NaN before
    there is one. A bar with an unknown input is unknown and not counted.

    Raises `UsageError` for another output or for `back` outside 0 .. 8.
    """
    place = count(back, "swing", "back", least=0, most=SWINGS - 1)
    if output not in ("turn", "side", "seen", "price", "age"):
        allowed = ["turn", "side", "seen", "price", "age"]
        raise UsageError(f"output is {output!r}", where="swing", allowed=allowed)
    name = f"{output}{place}" if output in ("price", "age") else output
    read = (as_expr(high), as_expr(low), as_expr(reach), as_expr(close))
    return Expr("swing", read, (name,))


def channel(
    high: Value,
    low: Value,
    reach: Value,
    output: str,
    touches: int = 3,
    close: Value = inputs.close,
) -> Expr:
    """Return an output of the two least-squares lines through the last confirmed swings.

    One goes through the last `touches` highs, one through as many lows, of the zigzag of
    `swing(high, low, reach)`; they change on a turn alone. Outputs: `upper` and `lower`, the
    lines on the present bar; `upper_slope` and `lower_slope` per bar; `deviation`, the largest
    distance of one of those swings from its line; `span`, the bars since the first of them. NaN
    until there are enough swings.

    Raises `UsageError` for another output or for `touches` other than 2, 3 or 4.
    """
    if output not in CHANNEL:
        raise UsageError(f"output is {output!r}", where="channel", allowed=list(CHANNEL))
    if touches not in (2, 3, 4):
        raise UsageError(f"touches is {touches!r}", where="channel", allowed=[2, 3, 4])
    read = (as_expr(high), as_expr(low), as_expr(reach), as_expr(close))
    return Expr("channel", read, (touches, output))


def watch(
    event: Value,
    level: Value,
    slope: Value,
    output: str,
    above: bool,
    life: int = 200,
    close: Value = inputs.close,
) -> Expr:
    """Return an output of the watch on a line that an event draws and a close may cross.

    On a bar on which the event holds the line begins at `level` and goes on by `slope` a bar, in
    place of the line before it. Outputs: `line`, its present value, NaN before the first and once
    it is `life` bars old; `age`, its bars, at most `life`, NaN before the first; `breakout`, the
    event that this close is the first beyond the line, above it if `above`, else below; `crossed`,
    whether there has been such a close since the line was drawn.

    Raises `UsageError` for another output or for a `life` outside 1 .. 1,000,000.
    """
    if output not in WATCH:
        raise UsageError(f"output is {output!r}", where="watch", allowed=list(WATCH))
    bars = count(life, "watch", "life")
    read = (as_expr(event), as_expr(level), as_expr(slope), as_expr(close))
    return Expr("watch", read, (1.0 if above else -1.0, bars, output))
