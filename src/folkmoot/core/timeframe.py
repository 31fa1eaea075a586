"""The nine bar lengths and their calendar."""

from dataclasses import dataclass

from folkmoot.core.errors import UsageError

MINUTE = 60_000
DAY = 86_400_000
# 1970-01-01 was a Thursday; weeks begin on Monday 00:00 UTC.
MONDAY = 4 * DAY


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A bar length: its label, its length in milliseconds, the instant its grid is anchored to."""

    label: str
    ms: int
    anchor: int = 0

    @classmethod
    def of(cls, label: "str | Timeframe") -> "Timeframe":
        """Return the timeframe of that label.

        Raises `UsageError` for a label that is not one of the nine.

        >>> Timeframe.of("1h").ms
        3600000
        """
        if isinstance(label, Timeframe):
            return label
        if label not in TIMEFRAMES:
            raise UsageError(
                f"unknown timeframe {label!r}", where="timeframe", allowed=list(TIMEFRAMES)
            )
        return TIMEFRAMES[label]

    @classmethod
    def of_step(cls, ms: int) -> "Timeframe":
        """Return the timeframe that is `ms` milliseconds long, or raise `UsageError`."""
        for timeframe in TIMEFRAMES.values():
            if timeframe.ms == ms:
                return timeframe
        raise UsageError(
            f"no timeframe is {ms} ms long", where="timeframe", allowed=list(TIMEFRAMES)
        )

    def floor(self, time: int) -> int:
        """Return the open time (epoch ms) of the bar that contains `time`."""
        return (time - self.anchor) // self.ms * self.ms + self.anchor

    @property
    def bars_per_year(self) -> float:
        """Bars in 365.25 days of a market that never closes."""
        return 365.25 * DAY / self.ms

    def __str__(self) -> str:
        return self.label


TIMEFRAMES: dict[str, Timeframe] = {
    label: Timeframe(label, ms, MONDAY if label == "1w" else 0)
    for label, ms in {
        "1m": MINUTE,
        "5m": 5 * MINUTE,
        "15m": 15 * MINUTE,
        "30m": 30 * MINUTE,
        "1h": 60 * MINUTE,
        "2h": 120 * MINUTE,
        "4h": 240 * MINUTE,
        "1d": DAY,
        "1w": 7 * DAY,
    }.items()
}
