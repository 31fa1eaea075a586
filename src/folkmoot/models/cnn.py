"""Causal convolutional networks over the last bars; the presets are the members of this family."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Features, Forecast
from folkmoot.models import rows, scaling, spread
from folkmoot.models.networks.tcn_stream import TCNStream
from folkmoot.models.neural import targets
from folkmoot.models.neural.network import CLIP, Network

if TYPE_CHECKING:
    from torch import nn

POOLS = ("spans", "mean", "last")
KINDS: dict[str, tuple[str, ...]] = {
    "plain": POOLS,
    "residual": POOLS,
    "multiscale": POOLS,
    "dilated": ("last",),
    "tcn": ("last",),
}
"""The kinds of network, and how each may read its steps."""


@dataclass(eq=False)
class CNN(Network):
    """Answer what causal convolutions over `lookback` bars say, columns as channels.

    `kind`: plain (a column of `depth` convolutions, `width` channels in the first and twice that
    in the others), residual (a stem, then `depth` blocks of two with identity; He et al. 2016),
    multiscale (all `kernels` side by side, `depth` times), dilated (`depth` convolutions of
    dilation 1, 2, 4, ...; each has its own say) or tcn (`depth` residual blocks of two dilated,
    weight-normed convolutions; Bai et al. 2018). `kernels`: of each convolution in turn for plain,
    (stem, block) for residual. `pool` over time: spans, mean or last, see `convolutional.Pool`;
    dilated and tcn read the last bar, as it sees the others. `dropout` leaves out whole channels.
    """

    small: ClassVar[dict[str, Any]] = {
        "width": 16,
        "lookback": 16,
        "dropout": 0.2,
        "training": {"epochs": 10, "rate": 5e-3, "batch": 128, "patience": 3},
    }

    horizons: tuple[int, ...] = (1,)
    lookback: int = 60
    kind: str = "tcn"
    width: int = 80
    kernels: tuple[int, ...] = (3,)
    depth: int = 5
    pool: str = "last"
    dropout: float = 0.1
    select: int = 64
    training: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse options that do not fit together; raises `UsageError`."""
        self.kernels = tuple(int(k) for k in self.kernels)
        if self.kind not in KINDS:
            raise UsageError(f"kind is {self.kind!r}", where="cnn", allowed=list(KINDS))
        if self.pool not in KINDS[self.kind]:
            allowed = f"{KINDS[self.kind]} for {self.kind}"
            raise UsageError(f"pool is {self.pool!r}", where="cnn", allowed=allowed)
        if self.width < 1 or self.depth < 1 or min(self.kernels, default=0) < 1:
            sizes = f"width {self.width}, depth {self.depth}, kernels {self.kernels}"
            raise UsageError(sizes, where="cnn", allowed="each 1 or more")
        if not 0.0 <= self.dropout < 1.0:
            raise UsageError(f"dropout is {self.dropout}", where="cnn", allowed="0 to below 1")
        wanted = {"plain": self.depth, "residual": 2, "dilated": 1, "tcn": 1}.get(self.kind)
        if wanted not in (None, len(self.kernels)) or len(set(self._side_by_side())) < len(
            self._side_by_side()
        ):
            raise UsageError(
                f"kernels are {self.kernels}",
                where="cnn",
                allowed="plain: one a convolution; residual: stem and block; multiscale: each "
                "another; dilated and tcn: one",
            )

    def network(self, features: int, out: int) -> "nn.Module":
        """Return an unfitted network for `features` columns that answers `out` raw numbers."""
        from folkmoot.models.networks import convolutional
        from folkmoot.models.networks.tcn import TCNNetwork

        build = {**convolutional.NETWORKS, "tcn": TCNNetwork}[self.kind]
        network: nn.Module = build(
            features, self.lookback, out, dropout=self.dropout, **self._sizes()
        )
        return network

    def stream(self) -> "CNNStream":
        """Return the fitted tcn's exact form bar by bar.

        Raises `UsageError` for another kind, and where `lookback` is shorter than what the newest
        bar sees (125 for the preset, whose own window is 60): zeros before the window are then
        part of the answer, and only the window itself can be asked.
        """
        learnt = rows.learnt(self)
        if self.kind != "tcn":
            raise UsageError(f"kind is {self.kind!r}", where="stream", allowed="tcn")
        return CNNStream(self, [_of_seed(learnt, k) for k in range(self.plan.seeds)])

    def _side_by_side(self) -> tuple[int, ...]:
        return self.kernels if self.kind == "multiscale" else ()

    def _sizes(self) -> dict[str, Any]:
        width, depth, kernels = self.width, self.depth, self.kernels
        if self.kind == "plain":
            widths = (width, *[2 * width] * (depth - 1))
            return {"widths": widths, "kernels": kernels, "pool": self.pool}
        if self.kind == "residual":
            sizes = {"blocks": depth, "stem": kernels[0], "kernel": kernels[1]}
            return {"width": width, **sizes, "pool": self.pool}
        if self.kind == "multiscale":
            sizes = {"depth": depth, "merged": 2 * width}
            return {"width": width, "kernels": kernels, **sizes, "pool": self.pool}
        if self.kind == "dilated":
            sizes = {"levels": depth, "merged": 3 * width // 2}
            return {"width": width, "kernel": kernels[0], **sizes}
        return {"width": width, "kernel": kernels[0], "blocks": depth}


class CNNStream:
    """A fitted tcn that is told each bar once; see `CNN.stream`."""

    def __init__(self, member: CNN, weights: list[dict[str, Any]]) -> None:
        self._member = member
        self.streams = [TCNStream(each, member.lookback) for each in weights]

    def push(self, x: Features) -> Forecast:
        """Show the decision bars of `x`, one after the other; return the forecast of each.

        What `predict` answers of the windows that end there; unknown until `lookback` bars in a
        row were known. Bars follow those pushed before.
        """
        member = self._member
        learnt = member.learnt
        values = rows.take(x, member.columns)
        z = scaling.score(values, learnt["centre"], learnt["gain"], CLIP).astype(np.float32)
        raw = np.mean([[stream.push(bar) for bar in z] for stream in self.streams], axis=0)
        p_up, levels = targets.decode(raw, learnt["base"], learnt["shape"])
        span = spread.scale(x, member.horizons)
        known = np.isfinite(span) & np.isfinite(p_up)
        return Forecast(
            np.where(known, p_up, np.nan),
            np.where(known[:, :, None], levels * span[:, :, None], np.nan),
            member.horizons,
            member.levels,
        )


def _of_seed(learnt: Mapping[str, Any], seed: int) -> dict[str, Any]:
    start = f"net{seed}."
    return {k.removeprefix(start): a for k, a in learnt.items() if k.startswith(start)}


PLUGIN = CNN
PRESETS: dict[str, dict[str, Any]] = {
    "cnn_standard": {
        "kind": "plain",
        "width": 64,
        "kernels": (5, 5, 3, 5),
        "depth": 4,
        "pool": "spans",
    },
    "cnn_resnet": {
        "kind": "residual",
        "width": 96,
        "kernels": (7, 3),
        "depth": 3,
        "pool": "spans",
    },
    "cnn_multiscale": {
        "kind": "multiscale",
        "width": 64,
        "kernels": (3, 5, 7),
        "depth": 2,
        "pool": "spans",
    },
    "cnn_dilated": {"kind": "dilated", "width": 64, "kernels": (3,), "depth": 6},
    "cnn_tcn": {"kind": "tcn", "width": 80, "kernels": (3,), "depth": 5},
}
