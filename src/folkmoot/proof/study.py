"""What `prove` returns: a verdict with everything behind it, and the way to a desk."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from folkmoot.core.bars import Bars
from folkmoot.execution import Limits
from folkmoot.proof.sharpe import deflated_sharpe
from folkmoot.proof.verdict import Control, Facts, Planted, judge, needs

if TYPE_CHECKING:
    from folkmoot.proof.live import LiveDesk
    from folkmoot.proof.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """One proved market. `as_dict` is the JSON form; `desk` runs exactly what was proved."""

    facts: dict[str, Any]
    bars: Bars
    plan: "Plan"
    root: Path

    @property
    def verdict(self) -> str:
        """EDGE FOUND, NO EDGE or NOT PROVEN."""
        return str(self.facts["verdict"])

    @property
    def reason(self) -> str:
        """The machine-readable code of what decided."""
        return str(self.facts["reason"])

    @property
    def reasons(self) -> list[str]:
        """Every reason as a sentence, the deciding one first."""
        return list(self.facts["reasons"])

    @property
    def journal_hash(self) -> str | None:
        """The head of the desk's journal, None if nothing was traded."""
        found = self.facts["journal_hash"]
        return None if found is None else str(found)

    def as_dict(self) -> dict[str, Any]:
        """Return the study as JSON values."""
        return dict(self.facts)

    def report(self, path: str | Path) -> Path:
        """Write the study as one self-contained HTML file and return where it is."""
        from folkmoot.proof.report import render

        place = Path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(render(self.facts), "utf-8")
        return place

    def desk(
        self,
        *,
        strategy: str | None = None,
        limits: Limits | None = None,
        broker: str = "paper",
        journal: str | Path | None = None,
    ) -> "LiveDesk":
        """Return a desk that goes on where the proof ended, with the last fitted members.

        The same code, features, members, calibration and weights, fed one bar at a time. `broker`
        is "paper" (fills simulated at the next open, with the study's costs). `on_bar` and `run` go
        by the machine's clock, so that a bar which closed too long ago opens nothing; `replay` is
        for history. The journal is kept under the study's root unless a path is given, each
        decision committed on its own.
        """
        from folkmoot.proof.live import live_desk

        return live_desk(self, strategy, limits, broker, journal)


def verdict_needs(facts: dict[str, Any]) -> set[str]:
    """Return which of `controls` and `power` the verdict still rests on."""
    # Whatever the number of trials turns out to be, it is at least that of this study.
    return needs(_facts(facts, len(facts["member_p"]) + 1))


def settle(record: dict[str, Any], trials: int) -> dict[str, Any]:
    """Return a study's JSON with the verdict judged now, given all trials on its data so far."""
    study = dict(record["study"])
    least = len(study["members"]) + len(study["baselines"]) + 1
    tried = max(least, trials)
    facts = _facts(record["judge"], tried)
    if needs(facts):
        # More trials since can only turn an edge down, and then nothing further has to be known.
        facts = _facts(record["judge"] | {"planted": record["judge"]["planted"] or (0, 0)}, tried)
    found = judge(facts)
    if study["backtest"]:
        study["backtest"] = study["backtest"] | {"deflated_sharpe": facts.deflated}
    return {
        "verdict": found.word,
        "reason": found.reason,
        "reasons": found.reasons,
        **study,
        "trials": tried,
        "report": None,
    }


def _facts(facts: dict[str, Any], trials: int) -> Facts:
    per_bar = facts["per_bar"]
    n = per_bar["n"]
    deflated = deflated_sharpe(
        per_bar["sharpe"], n, trials, 1.0 / max(n - 1, 1), per_bar["skew"], per_bar["kurt"]
    )
    controls, planted = facts["controls"], facts["planted"]
    return Facts(
        scored=facts["scored"],
        skill_p=_number(facts["skill_p"]),
        voice="the consensus" if facts["voice"] == "committee" else f"the rule {facts['voice']}",
        member_p={name: _number(p) for name, p in facts["member_p"].items()},
        sharpe_lower=_number(facts["sharpe_lower"]),
        sharpe_upper=_number(facts["sharpe_upper"]),
        changes=facts["changes"],
        deflated=deflated,
        accuracy=_number(facts["accuracy"]),
        gross_sharpe=_number(facts["gross_sharpe"]),
        bars_a_year=_number(facts["bars_a_year"]),
        controls=None if controls is None else tuple(Control(p, z) for p, z in controls),
        planted=None if planted is None else Planted(*planted),
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
