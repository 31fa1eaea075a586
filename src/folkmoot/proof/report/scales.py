"""From values to places on a chart, and the round values to write beside its axes."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from folkmoot.proof.report.numbers import known, moment

DAY = 86_400_000.0


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `low` to `high`; with `log`, equal ratios are equally far apart."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Return where the value lies, 0 at `low` and 1 at `high`."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def across(self, value: float) -> str:
        """Return the place from the left, in percent."""
        return f"{100.0 * self.share(value):.2f}%"

    def up(self, value: float) -> str:
        """Return the place from the top of an upright axis, in percent."""
        return f"{100.0 * (1.0 - self.share(value)):.2f}%"

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return about `wanted` round values inside the axis."""
        if self.log and self.high / self.low > 4.0:
            return _decades(self.low, self.high, wanted)
        step = _round_step((self.high - self.low) / wanted)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [step * index for index in range(first, last + 1)]


def around(values: list[Any], *, include: tuple[float, ...] = (), margin: float = 0.06) -> Scale:
    """Return a linear axis that holds every known value, with a margin at both ends."""
    known_values = [number for value in values if (number := known(value)) is not None]
    everything = [*known_values, *include] or [0.0, 1.0]
    low, high = min(everything), max(everything)
    room = margin * (high - low) or max(0.05 * abs(high), 0.02)
    return Scale(low - room, high + room)


def ratios(values: list[Any]) -> Scale:
    """Return a logarithmic axis for positive values."""
    logs = [math.log(number) for value in values if (number := known(value) or 0.0) > 0.0]
    inner = around([*logs, 0.0])
    return Scale(math.exp(inner.low), math.exp(inner.high), log=True)


def dates(low: float, high: float) -> list[tuple[float, str]]:
    """Return a few calendar ticks (epoch ms, label) between two epoch times in ms."""
    days = (high - low) / DAY
    if days < 75.0:
        return _days(low, high, days)
    steps = (1, 2, 3, 6, 12, 24, 60, 120)
    step = next((months for months in steps if days / 30.4 / months <= 5), 240)
    start = moment(low)
    first = start.year * 12 + start.month
    marks = []
    for month in range(first - first % step, first + int(days / 28.0) + step, step):
        year, index = divmod(month, 12)
        at = datetime(year, index + 1, 1, tzinfo=start.tzinfo)
        place = (at - moment(0.0)).total_seconds() * 1000.0
        if low <= place <= high:
            marks.append((place, f"{at:%Y}" if step >= 12 else f"{at:%b %Y}"))
    return marks


def _days(low: float, high: float, days: float) -> list[tuple[float, str]]:
    step = DAY * next(size for size in (1 / 24, 1 / 4, 1, 2, 7, 14) if days / size <= 5.5)
    form = "%d %b" if step >= DAY else "%d %b %H:%M"
    first = math.ceil(low / step)
    marks = [step * index for index in range(first, math.floor(high / step) + 1)]
    return [(place, f"{moment(place):{form}}") for place in marks]


def _decades(low: float, high: float, wanted: int) -> list[float]:
    for leads in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        marks = [lead * 10.0**exponent for exponent in exponents for lead in leads]
        inside = [mark for mark in marks if low <= mark <= high]
        if len(inside) <= wanted + 1:
            return inside
    return inside


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return power * next(lead for lead in (1.0, 2.0, 2.5, 5.0, 10.0) if raw <= lead * power * 1.0001)
