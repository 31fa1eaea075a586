"""Document 002's ConvNeXtPredictor: regime, direction and volatility of what a market shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.core.forecast import Features
from folkmoot.features import feature_set, labels, windows
from folkmoot.features.gaf_picture import closes_in, is_picture
from folkmoot.features.image_labels import HEADS
from folkmoot.features.volatility import LAMBDA
from folkmoot.models.convnext import ConvNeXt

HORIZONS = (1, 5, 15, 30)
CAREFUL = 0.1
"""The share of the learning rate at which a checkpoint's backbone is tuned."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What the next bars look like: a class and its probability for each question.

    `probabilities` of all classes by question; `p_up` by horizon; `features[width]` if asked for.
    """

    regime: str
    regime_confidence: float
    direction: str
    direction_confidence: float
    volatility: str
    volatility_confidence: float
    probabilities: dict[str, dict[str, float]]
    p_up: dict[int, float]
    features: Floats | None = None


class ConvNeXtPredictor:
    """Tune a ConvNeXt on a market and ask it what it sees.

    `preset` micro, atto or tiny; `checkpoint`: timm's weights of that preset as safetensors, where
    there are any; `device` of the training; further options are those of `models.convnext`. What
    has not been tuned on a market answers nothing: `status` is then untrained, or pretrained with
    a checkpoint, of which features can be taken.

    Raises what `load_timm` raises, `UnknownOption` for an option that does not exist.
    """

    def __init__(
        self,
        preset: str = "micro",
        checkpoint: str | Path | None = None,
        device: str = "auto",
        **options: Any,
    ) -> None:
        from folkmoot.models import build

        training = {"device": device, **options.pop("training", {})}
        rate = {} if checkpoint is None else {"backbone_rate": CAREFUL}
        given = {"horizons": HORIZONS, **rate, **options}
        self.member: ConvNeXt = build("convnext", shape=preset, training=training, **given)
        self.dropped: tuple[str, ...] = ()
        if checkpoint is not None:
            from folkmoot.models.networks.timm import load_timm

            loaded = load_timm(checkpoint, preset)
            self.member.backbone = loaded.network.state_dict()
            self.dropped = loaded.dropped

    @classmethod
    def of(cls, member: ConvNeXt) -> Self:
        """Return a predictor that asks a member `convnext` which was fitted elsewhere."""
        made = cls(member.shape)
        made.member = member
        return made

    @property
    def status(self) -> str:
        """untrained, pretrained or trained."""
        if self.member.learnt:
            return "trained"
        return "untrained" if self.member.backbone is None else "pretrained"

    def fine_tune(
        self,
        bars: Bars,
        epochs: int | None = None,
        progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Learn from all bars, anew each time, and return the figures of each epoch.

        Labels look ahead only within `bars`; the last part of the rows is held out, purged, for
        early stopping and for the temperatures. `progress` is told each epoch.

        Raises `DataError` where too few bars are known, `UsageError` for epochs below 1.
        """
        model = self.member
        if epochs is not None:
            training = {**model.training, "epochs": epochs}
            backbone = model.backbone
            model = ConvNeXt(**{**_options(model), "training": training})
            model.backbone = backbone
        model.progress = progress
        x = self._rows(bars)
        y = np.column_stack([labels(bars, h).y for h in model.horizons])[model.lookback :]
        model.fit(x, y, np.ones(len(x)))
        model.progress, self.member = None, model
        return model.history[0]

    def predict(
        self, given: Any, volatility: Any = None, return_features: bool = False
    ) -> Prediction:
        """Return what the last bar of `given` looks like; see `predict_batch`."""
        x = self._shown(given, volatility)
        return self._answers(x.rows(slice(len(x) - 1, None)), return_features)[0]

    def predict_batch(
        self,
        given: Any,
        volatility: Any = None,
        rows: Sequence[int] | None = None,
        return_features: bool = False,
    ) -> list[Prediction]:
        """Return a prediction for each window.

        `given`: bars, of which each with `lookback` others before it is asked about, or those of
        the positions `rows`; or closes `[windows, lookback or more]`; or pictures `uint8[windows,
        pixels, pixels, 3]` of `generate_gaf_3channel`, which are read back as closes that spanned
        5 %, for how much they did is lost: bars and closes know more. Of closes and pictures,
        `volatility[windows]` is that of a bar, by default the exponentially weighted one of the
        closes.

        Raises `Untrained` before `fine_tune`, `DataError` for unknown or impossible closes or a
        picture of something else, `UsageError` for another shape.
        """
        x = self._shown(given, volatility)
        if rows is not None:
            first = self.member.lookback if isinstance(given, Bars) else 0
            places = np.asarray(rows, dtype=np.int64) - first
            if len(places) and not ((places >= 0) & (places < len(x))).all():
                raise UsageError(
                    f"rows {list(rows)[:5]}", where="convnext", allowed=f"{first} or more"
                )
            x = x.rows(places)
        return self._answers(x, return_features)

    def extract_features(self, given: Any) -> Floats:
        """Return `[windows, width]` after the final layer norm: 768 numbers of tiny, 192 of micro.

        `given` as in `predict_batch`. Raises `Untrained` where there is neither a checkpoint nor
        a market that it was tuned on.
        """
        if self.status == "untrained":
            raise _untrained("its features mean nothing")
        return self.member.embed(self._shown(given, None))

    def _answers(self, x: Features, return_features: bool) -> list[Prediction]:
        if self.status != "trained":
            raise _untrained("it was not tuned on a market")
        told = self.member.answers(x)
        if not told:
            raise _untrained("too few held-out rows were known to tell how sure it may be")
        p_up = self.member.predict(x).p_up
        if np.isnan(p_up).any():
            raise DataError("a window holds an unknown price", where="convnext", allowed="known")
        seen = self.member.embed(x) if return_features else [None] * len(x)
        return [
            _prediction(
                {name: p[row] for name, p in told.items()}, self._ahead(p_up[row]), seen[row]
            )
            for row in range(len(x))
        ]

    def _ahead(self, p_up: Floats) -> dict[int, float]:
        return dict(zip(self.member.horizons, p_up.tolist(), strict=True))

    def _shown(self, given: Any, volatility: Any) -> Features:
        return self._rows(given) if isinstance(given, Bars) else self._windows(given, volatility)

    def _rows(self, bars: Bars) -> Features:
        """Return the windows of all bars but the first, whose volatility is not known."""
        steps = self.member.lookback
        if len(bars) <= steps:
            raise UsageError(f"{len(bars)} bars", where="convnext", allowed=f"above {steps}")
        table = feature_set("bars", bars.timeframe).matrix(bars)
        return windows(table, steps, self.member.raw).rows(slice(1, None))

    def _windows(self, given: Any, volatility: Any) -> Features:
        steps = self.member.lookback
        shown = closes_in(given, steps) if is_picture(given) else given
        closes = np.atleast_2d(np.asarray(shown, dtype=np.float64))
        if closes.ndim != 2 or closes.shape[1] < steps or not len(closes):
            raise UsageError(
                f"closes of shape {closes.shape}",
                where="convnext",
                allowed=f"bars, closes [windows, {steps} or more], or pictures of uint8",
            )
        if not (np.isfinite(closes) & (closes > 0.0)).all():
            raise DataError("closes are unknown or not positive", where="convnext")
        log_closes = np.log(closes)
        spread = _ewma(log_closes) if volatility is None else np.asarray(volatility, np.float64)
        if spread.shape != (len(closes),):
            raise UsageError(f"volatility {spread.shape}", where="convnext", allowed="[windows]")
        values = np.repeat(log_closes[:, -steps:, None], len(self.member.raw), axis=2)
        values[:, :, -1] = spread[:, None]
        return Features(values, self.member.raw, np.zeros(len(closes), dtype=np.int64))


def _options(member: ConvNeXt) -> dict[str, Any]:
    return {field.name: getattr(member, field.name) for field in fields(member)}


def _ewma(log_closes: Floats) -> Floats:
    """Return `[windows]`: what the indicator `ewma_vol` says after the closes of each window."""
    squares = np.diff(log_closes, axis=1) ** 2
    mean = squares[:, 0]
    for square in squares.T[1:]:
        mean = LAMBDA * mean + (1.0 - LAMBDA) * square
    made: Floats = np.sqrt(mean)
    return made


def _prediction(
    told: dict[str, Floats], p_up: dict[int, float], features: Floats | None
) -> Prediction:
    sure = {
        name: dict(zip(HEADS[name], found.tolist(), strict=True)) for name, found in told.items()
    }
    best = {name: max(found.items(), key=lambda pair: pair[1]) for name, found in sure.items()}
    return Prediction(
        *best["regime"], *best["direction"], *best["volatility"], sure, p_up, features
    )


def _untrained(why: str) -> Untrained:
    return Untrained(f"this ConvNeXt is not trained: {why}", where="convnext", allowed="fine_tune")
