"""A network taught on a data module and judged on its test part: document 004's `NeuralTrainer`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from folkmoot.core.errors import Untrained, UsageError
from folkmoot.core.stamps import iso
from folkmoot.models.neural import weights
from folkmoot.models.neural.network import Tell
from folkmoot.training.artefacts import save_model
from folkmoot.training.data_module import PARTS, WalkForwardDataModule
from folkmoot.training.trainer_members import give_back, member_of
from folkmoot.training.trainer_validation import Judgement, judge


class NeuralTrainer:
    """Fit a network through the one loop, keep its best epoch, judge it, and save it.

    `model`: an `LSTMModel`, `TFTModel` or `TradingModel`, or another module called with `[rows,
    steps, features]` alone, that answers 8 numbers for each horizon: its direction and seven
    quantiles. `max_epochs` at most, fewer after `early_stopping_patience` epochs without a better
    loss on the validation part; `training`: further options of `folkmoot.models.neural.plan.Plan`.

    After `fit`: `model` has learnt, `history` tells each epoch, `metrics` each horizon of the test
    part beside the baselines, `judgement` what a saved file's card will say.

    Raises `UsageError` for a model that does not fit the data, `UnknownOption` for an option that
    a fit does not have.
    """

    def __init__(
        self,
        model: Any,
        data_module: WalkForwardDataModule,
        max_epochs: int = 100,
        early_stopping_patience: int = 10,
        training: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.data_module = data_module
        own = {"epochs": max_epochs, "patience": early_stopping_patience, **(training or {})}
        for option, why in {"seeds": "one model", "holdout": "the data module"}.items():
            if option in own:
                raise UsageError(f"{option} is set by {why}", where="NeuralTrainer")
        names = data_module.get_feature_names()
        steps, horizons = data_module.sequence_length, data_module.horizons
        self._own = own
        self.member_id, member = member_of(model, len(names), horizons, steps, own)
        own["holdout"] = data_module.holdout((*names, *member.raw))
        _, self.member = member_of(model, len(names), horizons, steps, own)
        self.judgement: Judgement | None = None

    @property
    def history(self) -> list[dict[str, Any]]:
        """Each epoch's losses and validation figures; empty before a fit."""
        return self.member.history[0] if self.member.history else []

    @property
    def metrics(self) -> dict[str, Any]:
        """Figures of each horizon on the judged half of the test part; empty before a fit."""
        return {} if self.judgement is None else self.judgement.validation["horizons"]

    def fit(self, progress: Tell | None = None, keep: str | Path | None = None) -> Self:
        """Teach the network; `progress` is told each epoch.

        `keep`: a file for the state after each epoch, from which a killed fit goes on; it is gone
        once the fit is finished. A second call goes on from what was learnt, anew. Raises
        `DataError` if the loss stops being a number, or the file is of another fit; trainer and
        model are then as they were.
        """
        from folkmoot.models.networks import resume

        module = self.data_module
        names = module.get_feature_names()
        _, member = member_of(
            self.model, len(names), module.horizons, module.sequence_length, self._own
        )
        member.progress, member.keep = progress, None if keep is None else Path(keep)
        member.before = weights.carried(member.before, names)
        span = module.learnt_from
        member.fit(module.x(span), module.labels_known_in(span), np.ones(len(span)))
        judgement = judge(member, module)
        give_back(member, self.model)
        self.member, self.judgement = member, judgement
        if member.keep is not None:
            resume.forget(member.keep)
        return self

    def save(self, path: str | Path, *, onnx: bool = False) -> str:
        """Write the fitted network with its card, as `NeuralPredictor.load_model` reads it.

        Returns the file's SHA-256. With `onnx` its ONNX form goes along, checked against it, so
        that it can be asked without torch. Raises `Untrained` before a fit, `UsageError` for a
        module of the user's own, which no file of ours can rebuild.
        """
        if self.judgement is None:
            raise Untrained("nothing was fitted", where="NeuralTrainer", allowed="fit() first")
        if not self.member_id:
            raise UsageError(
                f"{type(self.model).__name__} is no member of the committee",
                where="save",
                allowed="LSTMModel, TFTModel, TradingModel, or make it a plug-in",
            )
        if onnx:
            self.member.freeze(self.data_module.x(self.data_module.tested_on))
        return save_model(path, self.member_id, self.member, self.card())

    def card(self) -> dict[str, Any]:
        """Return the JSON card: what it was fitted on, what was purged, and how it did."""
        if self.judgement is None:
            raise Untrained("nothing was fitted", where="NeuralTrainer", allowed="fit() first")
        module, member = self.data_module, self.member
        known_at, wanted = module.table.known_at, module.whole_set
        span = module.learnt_from
        return {
            "model": self.member_id,
            "symbol": module.bars.symbol,
            "timeframe": module.bars.timeframe.label,
            "horizons": list(module.horizons),
            "features": {
                "name": module.features,
                "title": wanted.name,
                "timeframe": wanted.timeframe.label,
                "hash": wanted.hash(),
                "columns": list(member.columns),
                "dropped": list(module.left_out),
            },
            "data": {
                "hash": module.bars.hash(),
                "bars": len(module.bars),
                "from": iso(int(module.bars.open_time[0])),
                "to": iso(int(module.bars.close_time[-1])),
                "trained_to": iso(int(known_at[span.stop - 1])),
            },
            "parts": self._parts(),
            "purged": "labels not known at the close before the next part",
            "plan": member.plan.as_dict(),
            "seeds": [member.plan.seed],
            "epochs": len(self.history),
            "sizes": {"parameters": member.parameters_in_use()},
            "validation": self.judgement.validation,
            "calibration": self.judgement.calibration,
        }

    def _parts(self) -> dict[str, Any]:
        """Return each part's rows, and how many of them know all of their labels in it."""
        module = self.data_module
        return {
            name: {"rows": [span.start, span.stop], "labels": len(module.part(name))}
            for name, span in zip(PARTS, module.parts, strict=True)
        }
