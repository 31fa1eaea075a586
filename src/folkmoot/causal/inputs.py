"""What an expression may read: prices, volume, extra columns and the clock, all closed."""

from folkmoot.causal.expr import NAMES, Expr

open_ = Expr("input", (), ("open",))
high = Expr("input", (), ("high",))
low = Expr("input", (), ("low",))
close = Expr("input", (), ("close",))
volume = Expr("input", (), ("volume",))

hl2 = (high + low) / 2.0
hlc3 = (high + low + close) / 3.0
ohlc4 = (open_ + high + low + close) / 4.0
NAMES.update({hl2: "hl2", hlc3: "hlc3", ohlc4: "ohlc4"})

gap = Expr("gap")
known_at = Expr("clock", (), ("known_at",))
hour_of_day = Expr("clock", (), ("hour_of_day",))
day_of_week = Expr("clock", (), ("day_of_week",))


def column(name: str) -> Expr:
    """Return a named column of the bars: a price, the volume, or an extra column."""
    return Expr("input", (), (name,))
