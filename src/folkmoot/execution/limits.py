"""Risk limits: they shrink a wanted weight and never raise it."""

import math
from dataclasses import dataclass

from folkmoot.core.bars import Bar
from folkmoot.core.decision import Book, Clamp, Target
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import DAY


@dataclass(frozen=True, slots=True)
class Halts:
    """What stays forbidden once a loss limit has fired.

    `day` is the UTC day (days since 1970) whose loss limit fired: flat until that day is over.
    `drawdown` holds until a person resets it.
    """

    day: int = -1
    drawdown: bool = False


NO_HALTS = Halts()
_NONE: tuple[Clamp, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings on what a strategy may hold; all shares of equity.

    `max_weight` of one position; `max_leverage` of all positions together; `max_daily_loss` since
    the day's first equity forces flat until the next UTC day; `max_drawdown` from the peak forces
    flat until reset; a decision on a bar that closed `stale_after` bars ago or earlier may reduce
    a position and never open or enlarge one. None switches a limit off.
    """

    max_weight: float = 1.0
    max_leverage: float = 1.0
    max_daily_loss: float | None = None
    max_drawdown: float | None = None
    stale_after: int | None = 3

    def __post_init__(self) -> None:
        for name in ("max_weight", "max_leverage"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name} is {getattr(self, name)}", where="limits", allowed=">= 0")
        for name in ("max_daily_loss", "max_drawdown"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < 1.0:
                message = f"{name} is {value}"
                raise UsageError(message, where="limits", allowed="(0, 1), or None")
        if self.stale_after is not None and self.stale_after < 1:
            message = f"stale_after is {self.stale_after}"
            raise UsageError(message, where="limits", allowed="1 bar or more, or None")

    @property
    def watches(self) -> bool:
        """Whether a loss limit is set, so that `watch` has something to do."""
        return self.max_daily_loss is not None or self.max_drawdown is not None

    def watch(self, book: Book, bar: Bar, halts: Halts = NO_HALTS) -> Halts:
        """Return the halts in force after this bar's close, given those before it."""
        equity, today = book.equity, bar.open_time // DAY
        day, drawdown = halts.day, halts.drawdown
        if self.max_daily_loss is not None and day != today:
            floor = book.day_open * (1.0 - self.max_daily_loss)
            day = today if equity <= floor else -1
        if self.max_drawdown is not None:
            drawdown = drawdown or equity <= book.peak * (1.0 - self.max_drawdown)
        same = day == halts.day and drawdown == halts.drawdown
        return halts if same else Halts(day, drawdown)

    def apply(
        self,
        target: Target,
        book: Book,
        bar: Bar,
        *,
        now: int | None = None,
        halts: Halts = NO_HALTS,
        equity: float | None = None,
    ) -> tuple[float, tuple[Clamp, ...]]:
        """Return the weight that may be held, and the limits that fired, in order.

        |result| <= |wanted| and the sign is the same, or the result is 0. `now` is epoch ms; the
        bar is fresh if it is not given. `halts` are those in force before this bar; `equity` is
        the book's, for a caller that has computed it.
        """
        weight = target.weight
        if weight == 0.0:
            return 0.0, _NONE
        if equity is None:
            equity = book.equity
        ceiling = min(self.max_weight, self.max_leverage)
        plain = now is None and not self.watches and _alone(book, bar.symbol)
        if plain and equity > 0.0 and abs(weight) <= ceiling:
            return weight, _NONE
        clamps = list(self._forbidden(weight, equity, book, bar, halts))
        if clamps:
            return 0.0, tuple(clamps)
        for limit, ceiling in (
            ("stale", self._stale(weight, book, bar, now)),
            ("max_weight", self.max_weight),
            ("max_leverage", self._room(book, bar.symbol, equity)),
        ):
            if abs(weight) > ceiling:
                after = math.copysign(ceiling, weight) if ceiling else 0.0
                clamps.append(Clamp(limit, weight, after))
                weight = after
        return weight, tuple(clamps) if clamps else _NONE

    def _forbidden(
        self, weight: float, equity: float, book: Book, bar: Bar, halts: Halts
    ) -> tuple[Clamp, ...]:
        if not math.isfinite(weight):
            return (Clamp("not_a_weight", weight, 0.0),)
        if not equity > 0.0:
            return (Clamp("no_equity", weight, 0.0),)
        if not self.watches:
            return _NONE
        halts = self.watch(book, bar, halts)
        if halts.drawdown:
            return (Clamp("max_drawdown", weight, 0.0),)
        if halts.day == bar.open_time // DAY:
            return (Clamp("max_daily_loss", weight, 0.0),)
        return _NONE

    def _stale(self, weight: float, book: Book, bar: Bar, now: int | None) -> float:
        if now is None or self.stale_after is None:
            return math.inf
        if now - bar.close_time < self.stale_after * bar.timeframe.ms:
            return math.inf
        held = book.weight(bar.symbol)
        return abs(held) if held * weight > 0.0 else 0.0

    def _room(self, book: Book, symbol: str, equity: float) -> float:
        if _alone(book, symbol):
            return self.max_leverage
        others = sum(
            abs(units * book.prices[name])
            for name, units in book.holdings.items()
            if name != symbol
        )
        return max(0.0, self.max_leverage - others / equity)


def _alone(book: Book, symbol: str) -> bool:
    return not book.holdings or (len(book.holdings) == 1 and symbol in book.holdings)
