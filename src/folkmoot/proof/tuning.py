"""Tune: search a member's options before the first scored block, each try in the ledger.

The search itself is `folkmoot.training.tuning`; here it meets the ledger that a later study of the
same data is judged by.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from folkmoot.core.bars import Bars
from folkmoot.core.settings import settings
from folkmoot.execution import Costs
from folkmoot.proof.keys import lineage
from folkmoot.proof.studies import Studies
from folkmoot.proof.tried import Ledger

if TYPE_CHECKING:
    import pandas as pd

    from folkmoot.training.tuning import Found, Tell

COIN = math.log(2.0)
"""The log loss of who says one half every time."""


def tune(
    model: str,
    bars: "Bars | pd.DataFrame",
    *,
    space: str | Path | None = None,
    trials: int = 30,
    features: str = "core",
    horizon: int = 1,
    costs: Costs | None = None,
    folds: int = 3,
    choose: str = "log_loss",
    seed: int = 0,
    workers: int = 1,
    storage: str | None = None,
    root: Path | None = None,
    progress: "Tell | None" = None,
) -> dict[str, Any]:
    """Search options of `model` on the rows before the first scored block of `bars`.

    `space`: a TOML file with ranges; `trials` in all, earlier sittings' among them; `folds` inner
    blocks; `costs`: fee and slippage for each unit of turnover; `choose` "log_loss" or "sharpe"
    from the Pareto front; `storage`: a file or URL for Optuna, else a file under the data root.

    Returns the front, the choice, its TOML, the member's own options and the trials counted.
    Raises as `training.tuning.Search` does.
    """
    asked = {
        "trials": trials, "horizon": horizon, "folds": folds, "seed": seed, "workers": workers,
        "storage": storage, "tell": progress,
    }  # fmt: skip
    whole = bars if isinstance(bars, Bars) else Bars.from_frame(bars, "unnamed")
    home, paid = root or settings().data_root, costs or Costs()
    found = _searched(model, whole, features, space, choose, paid, home, asked)
    return {
        "symbol": whole.symbol,
        "timeframe": whole.timeframe.label,
        "features": features,
        "ledger": _counted(whole, home),
        **_told(found, choose),
    }


def _searched(
    model: str,
    bars: Bars,
    features: str,
    space: str | Path | None,
    choose: str,
    costs: Costs,
    home: Path,
    asked: dict[str, Any],
) -> "Found":
    from folkmoot.features import feature_set
    from folkmoot.training.tuning import check_choice, search
    from folkmoot.training.tuning_spaces import space_of

    check_choice(choose)
    ledger, name = Ledger(home), lineage(bars)
    return search(
        bars, feature_set(features, bars.timeframe), model, home, space=space_of(model, space),
        cost=costs.fee + costs.slippage, count=lambda config: ledger.add(name, config), **asked,
    )  # fmt: skip


def _counted(bars: Bars, home: Path) -> dict[str, int]:
    name = lineage(bars)
    tuned = sum("tuned" in row for row in Ledger(home).rows(name))
    return {"tuned": tuned, "trials": Studies(home).trials(name)}


def _told(found: "Found", choose: str) -> dict[str, Any]:
    from folkmoot.training.tuning_spaces import described, toml

    best, asked = found.chosen(choose), found.question
    rows, first, last = found.span
    own = next((t for t in found.tried if t.options == found.own), None)
    states = [t.verdict for t in found.tried]
    return {
        "model": asked.model,
        "horizon": asked.horizon,
        "cost": asked.cost,
        "rows": {"bars": rows, "first_known_at": first, "last_known_at": last},
        "blocks": found.blocks,
        "trials": {
            "finished": len(states),
            "complete": sum(v.pruned is None and v.refused is None for v in states),
            "given_up": sum(v.pruned is not None for v in states),
            "refused": sum(v.refused is not None for v in states),
        },
        "space": described(found.space),
        "front": [trial.as_dict() for trial in found.front],
        "chosen_by": choose,
        "chosen": best.as_dict(),
        "own": None if own is None else own.as_dict(),
        "coin_log_loss": COIN,
        "toml": toml(asked.model, asked.horizon, best.options),
        "study": found.study,
        "storage": found.storage,
    }
