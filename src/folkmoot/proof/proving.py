"""Prove: the whole study of one market, from bars to a verdict.

1. Walk the committee forward over the bars (`examine`); pick the rows that count (`scored`).
2. Test the consensus and each member against the references (`skill`).
3. Run the desk over the scored span, with all costs, journalled (`trade`).
4. Run the controls: sign-randomised copies, where nothing may be found, and copies with a planted
   edge, which ought to be (`run_copies`); all of them, or only those the verdict still needs.
5. Keep what was found; judge it when it is read (`settle`).
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from folkmoot.committee import Committee
from folkmoot.core import plugins
from folkmoot.core.bars import Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.frames import Reading
from folkmoot.core.hashing import content_hash
from folkmoot.core.settings import settings
from folkmoot.core.stamps import instant
from folkmoot.execution import Costs, Limits
from folkmoot.features.own import settled
from folkmoot.proof.controls import run_copies
from folkmoot.proof.describe import describe, facts_of, nulls, power_of, provenance, with_reading
from folkmoot.proof.examine import Examined, examine
from folkmoot.proof.judged import judged
from folkmoot.proof.keys import lineage, study_key
from folkmoot.proof.money import Money, trade
from folkmoot.proof.plan import Controls, Plan, roster, until
from folkmoot.proof.scored import Scored, scored
from folkmoot.proof.skill import skill
from folkmoot.proof.studies import Studies, Subject
from folkmoot.proof.study import Study, settle, verdict_needs
from folkmoot.proof.verdict import FOUND_SHARE
from folkmoot.training import Crew, TaskStore

if TYPE_CHECKING:
    import pandas as pd

Tell = Callable[[str, float], None]


def prove(
    committee: Committee,
    bars: "Bars | pd.DataFrame",
    *,
    features: str = "core",
    costs: Costs | None = None,
    strategy: str = "half_kelly",
    limits: Limits | None = None,
    score_from: int | str | None = None,
    score_to: int | str | None = None,
    controls: Controls = "all",
    copies: int = 3,
    plants: int = 5,
    seed: int = 0,
    workers: int = 0,
    crew: Crew | None = None,
    root: Path | None = None,
    progress: Tell | None = None,
    reading: Reading | None = None,
) -> Study:
    """Say honestly whether `committee` has an edge on `bars`.

    A decision at a close fills at the next open. Only rows decided in [score_from, score_to) count
    (epoch ms or ISO 8601; a date alone as the end is that whole day). `controls="needed"` runs only
    the copies that can still change the verdict. `workers` processes (0: one a core), or the `crew`
    given, never change a result. All is kept under `root` (the data root by default): the same
    study again is read, and appended bars recompute the last block. `reading`, what the bars were
    read with, adds what it refused, dropped and assumed to the notes.

    Raises `DataError` for fewer bars than `fewest_bars` says, `UsageError` for what does not exist.
    """
    whole = bars if isinstance(bars, Bars) else Bars.from_frame(bars, "unnamed")
    plan = Plan(
        committee, settled(features), costs or Costs(), strategy, limits or Limits(),
        (instant(score_from), until(score_to)), controls, copies, plants, seed,
    )  # fmt: skip
    _check(plan)
    tell = progress or _silent
    study = _study(whole, plan, root or settings().data_root, workers, crew, tell)
    return replace(study, facts=with_reading(study.facts, whole, reading))


def _study(
    bars: Bars, plan: Plan, home: Path, workers: int, crew: Crew | None, tell: Tell
) -> Study:
    kept, key, began = Studies(home), study_key(bars, plan.config), time.perf_counter()
    record = kept.get(key)
    cached = record is not None
    if record is None:
        with _crew(workers, crew) as hands:
            record = _Run(bars, plan, home, key, hands, tell).record()
        record["study"]["seconds"] = time.perf_counter() - began
        kept.put(key, record)
    facts = settle(record, kept.trials(record["lineage"])) | {"cached": cached}
    return Study(facts | {"seconds": time.perf_counter() - began}, bars, plan, home)


def _check(plan: Plan) -> None:
    if plan.committee.analysts:
        raise UsageError(
            f"analysts {list(plan.committee.analysts)} cannot be proved in this version",
            where="committee.analysts",
            allowed="models only",
        )
    if plan.copies < 1 or plan.plants < 1:
        raise UsageError(
            f"{plan.copies} copies and {plan.plants} plants",
            where="prove",
            allowed="1 or more of each",
        )
    plugins.load("folkmoot.strategies", plan.strategy)


@contextlib.contextmanager
def _crew(workers: int, crew: Crew | None) -> Iterator[Crew | None]:
    if crew is not None:
        yield crew
    elif workers == 1:
        yield None
    else:
        with Crew(workers) as hired:
            yield hired


def _silent(what: str, share: float) -> None:
    del what, share


@dataclass(slots=True)
class _Run:
    """One study being computed."""

    bars: Bars
    plan: Plan
    home: Path
    key: str
    crew: Crew | None
    tell: Tell
    controls: list[dict[str, Any]] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """Compute everything that is kept of a study."""
        plan = self.plan
        store = TaskStore(self.home / "tasks")
        crew_or_one = self.crew if self.crew is not None else 1
        seen = examine(
            self.bars, plan.committee, plan.features, store,
            workers=crew_or_one, progress=self._steps(0.0, 0.4),
        )  # fmt: skip
        copies = [*plan.nulls(), *plan.planted()] if plan.controls == "all" else []
        with self._meanwhile(copies, store):
            rows = self._rows(seen)
            tested = skill(rows, plan.committee.models)
            money = self._trade(seen, rows)
            study = describe(self.bars, plan, self.key, seen, rows, tested, money)
        facts = facts_of(rows, tested, money, study)
        self._run_needed(facts, store)
        study["controls"], facts["controls"] = nulls(self.controls)
        study["power"], facts["planted"] = power_of(self.controls, len(rows))
        subject = Subject.of(
            self.bars, plan.features, plan.committee, plan.costs,
            strategy=plan.strategy, limits=plan.limits, span=plan.span,
        )  # fmt: skip
        return {
            "study": study | {"journal": str(self.journal)},
            "judge": facts,
            "lineage": lineage(self.bars),
            "config_hash": content_hash(plan.config),
            "subject": asdict(subject),
        }

    def _rows(self, seen: Examined) -> Scored:
        since, until = self.plan.span
        who = self.plan.committee
        found = scored(
            seen.ballots, seen.minutes, who.models, who.horizon, since=since, until=until
        )
        return judged(found, self.bars, self.plan.strategy)

    @contextlib.contextmanager
    def _meanwhile(self, copies: list[tuple[str, int]], store: TaskStore) -> Iterator[None]:
        """Let the crew work on the copies while this process works on the study itself."""
        if self.crew is None:
            yield
            self._copies(copies, store)
            return
        try:
            with ThreadPoolExecutor(1) as aside:
                controls = aside.submit(self._copies, copies, store)
                try:
                    yield
                    controls.result()
                except BaseException:
                    # Or the executor would wait for every copy that is left.
                    self.crew.stop()
                    raise
        except Exception:
            # The crew may be lent, and wanted for the next study.
            self.crew.resume()
            raise

    def _copies(self, copies: list[tuple[str, int]], store: TaskStore) -> None:
        if copies:
            plan = self.plan
            self.controls += run_copies(
                self.bars, roster(plan.committee), plan.features, plan.strategy, plan.span, copies,
                store=store, crew=self.crew, progress=self._steps(0.4, 1.0),
            )  # fmt: skip

    def _run_needed(self, facts: dict[str, Any], store: TaskStore) -> None:
        """Run the copies that the verdict rests on, the last planted ones only if it is close."""
        if self.plan.controls == "needed":
            wanted, planted = verdict_needs(facts), self.plan.planted()
            self._copies(self.plan.nulls() if "controls" in wanted else [], store)
            if "power" in wanted:
                enough = math.ceil(FOUND_SHARE * len(planted))
                self._copies(planted[:enough], store)
                if power_of(self.controls, 0)[1] != (enough, enough):
                    self._copies(planted[enough:], store)

    def _trade(self, seen: Examined, rows: Scored) -> Money | None:
        if not len(rows):
            return None
        who, plan = self.plan.committee, self.plan
        first, last = int(rows.rows[0]), int(rows.rows[-1]) + who.horizon + 1
        about = provenance(self.bars, plan, self.key) | {"origin": lineage(self.bars)}
        return trade(
            self.bars.rows(first, last + 1), seen, who.models, who.horizon,
            strategy=plan.strategy, costs=plan.costs, limits=plan.limits, history=self.bars,
            journal=self.journal, provenance=about,
        )  # fmt: skip

    @property
    def journal(self) -> Path:
        """Where the study's journal is kept."""
        return self.home / "journals" / f"{self.key[:16]}.db"

    def _steps(self, start: float, stop: float) -> Callable[[int, int, str], None]:
        def tell(done: int, total: int, what: str) -> None:
            self.tell(what, start + (stop - start) * done / max(total, 1))

        return tell
