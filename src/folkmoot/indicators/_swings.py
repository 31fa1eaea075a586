"""The chart as a pattern sees it: its last confirmed swings, in one unit, on one axis."""

from dataclasses import dataclass
from functools import reduce

from folkmoot.causal import Expr, both, channel, close, exp, high, low, swing, where, wilder
from folkmoot.causal import log as ln


@dataclass(frozen=True)
class Swings:
    """The zigzag of `reach` times the ATR of `n` bars, in prices or (`log`) in their logarithms.

    `unit` is that ATR on the same axis. A pattern is written once, as if its last swing were a
    high: `up(k)` is the price of the k-th last swing times the side of the last.
    """

    reach: float
    n: int
    log: bool

    @property
    def bars(self) -> tuple[Expr, Expr, Expr]:
        """High, low and close on the axis."""
        return (ln(high), ln(low), ln(close)) if self.log else (high, low, close)

    @property
    def unit(self) -> Expr:
        """The average true range on the axis."""
        return wilder(Expr("true_range", self.bars, ("range",)), self.n)

    def output(self, name: str, back: int = 0) -> Expr:
        """Return an output of the zigzag."""
        top, bottom, last = self.bars
        return swing(top, bottom, self.reach * self.unit, name, back, close=last)

    def line(self, name: str, touches: int) -> Expr:
        """Return an output of the lines through the last swings."""
        top, bottom, last = self.bars
        return channel(top, bottom, self.reach * self.unit, name, touches, close=last)

    def up(self, back: int) -> Expr:
        """Return the price of a swing, turned over if the last swing is a low."""
        return self.output("side") * self.output("price", back)

    def bars_between(self, older: int, newer: int) -> Expr:
        """Return the bars from one swing to a later one."""
        return self.output("age", older) - self.output("age", newer)

    def event(self, needed: int, *conditions: Expr, side: int = 0) -> Expr:
        """Return the event that a turn confirms a pattern of `needed` swings.

        `side` 1 asks for a high, -1 for a low. With fewer swings known there is no pattern.
        """
        turn = self.output("turn")
        turned = turn * float(side) > 0.0 if side else abs(turn) > 0.0
        ready = both(turned, self.output("seen") >= float(needed))
        return where(ready, reduce(both, conditions), 0.0)

    def tolerance(self, atr: float, percent: float | None) -> Expr:
        """Return how far two levels may lie from their mean: in ATR, or in percent of the price."""
        if percent is None:
            return atr * self.unit
        return percent / 100.0 * (1.0 + 0.0 * self.unit if self.log else self.bars[2])

    def quoted(self, level: Expr) -> Expr:
        """Return a level of the axis as a price."""
        return exp(level) if self.log else level
