"""Tuning: look for a member's options inside the training part, and count every try.

1. The bars are cut where the first scored block of a walk begins; nothing after is ever read.
2. Optuna's TPE proposes options, the member's own first; `tuning_trial` fits and judges them on
   inner blocks by log loss and by the Sharpe ratio net of costs.
3. A network whose held-out loss after an epoch is above the median of the trials before it at that
   step is given up. (Optuna's pruners know one objective only.)
4. The study is kept in a journal, a trial's folds in the task store: a killed search goes on, and
   ends as one that was not killed.

Trials are proposed `workers` at a time, each from a seed of its own, and told in their order: the
result depends on the seed and on `workers`, never on which process was faster.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.hashing import content_hash
from folkmoot.features import FeatureSet, feature_set
from folkmoot.training.crew import Crew
from folkmoot.training.folds import layout
from folkmoot.training.keys import code_version, data_hash
from folkmoot.training.material import Material
from folkmoot.training.store import TaskStore
from folkmoot.training.tuning_spaces import (
    Fixed,
    Space,
    default_point,
    described,
    label,
    nested,
    space_of,
    suggest,
)
from folkmoot.training.tuning_storage import end_dead, ends, finished, quiet_optuna, sign, storage
from folkmoot.training.tuning_trial import Question, Verdict, inner_blocks, own_code, try_out

JOB = "folkmoot.training.tuning_trial:try_out_elsewhere"
OBJECTIVES = ("log_loss", "sharpe")
BEFORE_PRUNING = 5
"""Finished trials before one may be given up; and no trial is after its first epoch."""

Tell = Callable[[str, float], None]
Count = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Tried:
    """A finished trial: its number, its options as the member takes them, and what it showed."""

    number: int
    options: dict[str, Any]
    verdict: Verdict

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        found = self.verdict.as_dict()
        del found["steps"]
        return {"number": self.number, "options": self.options, **found}


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the Pareto front, the lowest log loss first, and all trials.

    `span`: bars and the first and last close; `own`: the member's own options, None if its space
    does not hold them.
    """

    question: Question
    span: tuple[int, int, int]
    blocks: list[list[int]]
    space: Space
    study: str
    storage: str
    own: dict[str, Any] | None
    tried: list[Tried]
    front: list[Tried]

    def chosen(self, by: str = "log_loss") -> Tried:
        """Return the front's best by one of the two objectives."""
        check_choice(by)
        if by == "sharpe":
            return max(self.front, key=lambda t: (t.verdict.sharpe, -t.verdict.log_loss))
        return self.front[0]


def check_choice(by: str) -> None:
    """Refuse what is no objective; raises `UsageError`."""
    if by not in OBJECTIVES:
        raise UsageError(f"nothing is chosen by {by!r}", where="tune", allowed=list(OBJECTIVES))


@dataclass(slots=True)
class Search:
    """A search under way; `count` is told the configuration of each trial before it is fitted."""

    bars: Bars
    columns: FeatureSet
    model: str
    space: Space
    root: Path
    horizon: int = 1
    folds: int = 3
    cost: float = 0.0015
    seed: int = 0
    trials: int = 30
    storage: str | None = None
    count: Count | None = None
    tell: Tell | None = None
    material: Material = field(init=False)
    question: Question = field(init=False)

    def __post_init__(self) -> None:
        good = self.trials >= 1 and self.folds >= 1 and self.cost >= 0.0 and self.horizon >= 1
        if not good or self.seed < 0:
            raise UsageError(
                f"trials {self.trials}, folds {self.folds}, cost {self.cost}, seed {self.seed}, "
                f"horizon {self.horizon}",
                where="tune",
                allowed="1 or more trials, folds and bars ahead; cost and seed 0 or more",
            )
        self._prepare()

    def _prepare(self) -> None:
        """Cut the bars before the first scored block and compute what every trial reads."""
        part = self.bars.rows(0, layout(len(self.bars)).train)
        used = self._columns(part)
        start = min(self.columns.stable, len(part) // 2)
        self.material = Material.of(part, used, tuple(sorted({1, self.horizon})), start)
        inputs = {"open", "close"}.union(*(column.inputs for column in used.columns))
        data = data_hash(part, len(part), inputs)
        self.question = Question(self.model, data, used.hash(), self.horizon, self.folds, self.cost)
        self.bars = part

    def _columns(self, part: Bars) -> FeatureSet:
        """Return what the member reads; raises `UsageError` if it needs what the set lacks."""
        member = models.build(self.model, horizons=(self.horizon,))
        known, _ = self.columns.knowable(part)
        complete = known.plus(feature_set("bars", known.timeframe))
        own = (*known.names, "ewma_vol")
        wanted = dict.fromkeys((*(member.needs or own), *getattr(member, "raw", ())))
        missing = [name for name in wanted if name not in complete.names]
        if missing:
            raise UsageError(
                f"{self.model} needs {', '.join(missing)}",
                where=complete.name,
                allowed="--features",
            )
        return complete.only(tuple(wanted))

    @property
    def name(self) -> str:
        """The study's name: the hash of everything that decides what a trial shows."""
        code = code_version(self.model), own_code()
        return content_hash(self.question.as_dict(), described(self.space), self.seed, *code)[:16]

    def run(self, workers: int = 1) -> Found:
        """Go on until `trials` are finished, in this process or on as many as `workers` says.

        Raises `DataError` if the bars are too few or no trial came to its end,
        `EnvironmentProblem` without Optuna.
        """
        blocks = inner_blocks(self.material, self.horizon, self.folds)
        with quiet_optuna() as optuna:
            study = self._study(optuna)
            end_dead(optuna, study)
            with self._hands(workers) as carry_out:
                while (left := self.trials - len(finished(optuna, study))) > 0:
                    self._round(optuna, study, min(workers, left), carry_out)
            if self.tell is not None:
                self.tell("reading the trials", 1.0)
            return self._found(optuna, study, [[int(a[0]), int(a[-1]) + 1] for _, a in blocks])

    def _study(self, optuna: Any) -> Any:
        place = self._place()
        return optuna.create_study(
            study_name=f"{self.model}-{self.name}",
            storage=storage(optuna, place),
            directions=["minimize", "maximize"],
            load_if_exists=True,
        )

    def _place(self) -> str:
        return self.storage or str(self.root / "tuning" / f"{self.model}-{self.name}.log")

    def _round(self, optuna: Any, study: Any, size: int, carry_out: Any) -> None:
        """Propose `size` trials, try them, and tell what they showed, in their order."""
        done = finished(optuna, study)
        limits = _limits(done)
        asked = [self._ask(optuna, study) for _ in range(size)]
        for _, options in asked:
            if self.count is not None:
                self.count(self._config(options))
        if self.tell is not None:
            self.tell(f"trial {len(done) + 1} of {self.trials}", len(done) / self.trials)
        verdicts = carry_out([options for _, options in asked], limits)
        for (trial, options), verdict in zip(asked, verdicts, strict=True):
            _tell(optuna, study, trial, options, verdict)

    def _ask(self, optuna: Any, study: Any) -> tuple[Any, dict[str, Any]]:
        """Return a trial, from a seed of its own, and its options as the member takes them."""
        states = (*ends(optuna), optuna.trial.TrialState.RUNNING)
        before = len(study.get_trials(deepcopy=False, states=states))
        own = default_point(self.model, self.space) if not before else None
        if own is not None and not study.get_trials(states=(optuna.trial.TrialState.WAITING,)):
            study.enqueue_trial(_labelled(own, self.space))
        seed = int(content_hash(self.seed, before)[:8], 16)
        study.sampler = optuna.samplers.TPESampler(seed=seed)
        trial = study.ask()
        sign(trial)
        return trial, self._options(suggest(trial, self.space))

    def _options(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """Return a point as the member takes it, with what its preset says of the fit."""
        options = nested(point)
        held = plugins.preset("folkmoot.models", self.model).get("training", {})
        if "training" in options:
            options["training"] = {**held, **options["training"]}
        return options

    def _own(self) -> dict[str, Any] | None:
        point = default_point(self.model, self.space)
        if point is None:
            return None
        fixed = {k: e.value for k, e in self.space.items() if isinstance(e, Fixed)}
        whole = {**fixed, **point}
        return self._options({name: whole[name] for name in self.space})

    def _config(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what makes a trial another one on the same data: for the ledger."""
        asked = {k: v for k, v in self.question.as_dict().items() if k != "data"}
        return {"tuned": asked, "options": options}

    @contextmanager
    def _hands(self, workers: int) -> Iterator[Any]:
        """Give who carries trials out: this process, or a crew for the length of the search."""
        store = TaskStore(self.root / "tasks")
        if workers == 1:
            yield lambda each, limits: [
                try_out(self.question, options, limits, self.material, store) for options in each
            ]
            return
        with tempfile.TemporaryDirectory(prefix="folkmoot-") as folder, Crew(workers) as crew:
            self.material.park(Path(folder))
            shared = {"question": self.question.as_dict(), "material": folder}
            shared |= {"store": str(store.root)}

            def carry_out(each: Sequence[dict[str, Any]], limits: Any) -> list[Verdict]:
                given = [shared | {"options": o, "limits": limits} for o in each]
                orders = [{"job": JOB, "given": one} for one in given]
                told = crew.carry_out(orders, [self.model] * len(orders))
                return [Verdict.of(answer) for answer in told]

            yield carry_out

    def _found(self, optuna: Any, study: Any, blocks: list[list[int]]) -> Found:
        tried = [_tried(trial) for trial in finished(optuna, study)]
        best = {trial.number for trial in study.best_trials}
        front = [trial for trial in tried if trial.number in best]
        front.sort(key=lambda t: (t.verdict.log_loss, -t.verdict.sharpe, t.number))
        if not front:
            why = next((t.verdict.refused for t in tried if t.verdict.refused), "all were given up")
            raise DataError(f"no trial came to its end: {why}", where="tune", allowed="--space")
        times = self.bars.close_time
        span = len(self.bars), int(times[0]), int(times[-1])
        return Found(
            self.question, span, blocks, self.space, study.study_name, self._place(),
            self._own(), tried, _distinct(front),
        )  # fmt: skip


def search(
    bars: Bars, columns: FeatureSet, model: str, root: Path, *, workers: int = 1, **asked: Any
) -> Found:
    """Look for options of `model` on the part of `bars` that no walk scores.

    `asked`: the other fields of `Search`; `space` is the family's own by default.
    """
    if workers < 1:
        raise UsageError(f"{workers} workers", where="tune", allowed="1 or more")
    space = asked.pop("space", None) or space_of(model)
    return Search(bars, columns, model, space, root, **asked).run(workers)


def _limits(done: Sequence[Any]) -> dict[str, float]:
    """Return, for each step, the loss above which a trial is given up."""
    whole = [trial.user_attrs["verdict"] for trial in done if trial.values is not None]
    if len(whole) < BEFORE_PRUNING:
        return {}
    names = {step for verdict in whole for step in verdict["steps"] if not step.endswith(".0")}
    held = {n: [v["steps"][n] for v in whole if n in v["steps"]] for n in names}
    return {n: median(losses) for n, losses in held.items() if len(losses) >= BEFORE_PRUNING}


def _tell(
    optuna: Any, study: Any, trial: Any, options: Mapping[str, Any], verdict: Verdict
) -> None:
    ended = verdict.pruned is not None or verdict.refused is not None
    trial.set_user_attr("options", dict(options))
    trial.set_user_attr("verdict", verdict.as_dict())
    if ended:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        study.tell(trial, [verdict.log_loss, verdict.sharpe])


def _tried(trial: Any) -> Tried:
    told = trial.user_attrs
    return Tried(trial.number, dict(told["options"]), Verdict.of(told["verdict"]))


def _distinct(front: Sequence[Tried]) -> list[Tried]:
    """Return the front with each set of options once, the first that showed it."""
    return list({label(trial.options): trial for trial in reversed(front)}.values())[::-1]


def _labelled(point: Mapping[str, Any], space: Space) -> dict[str, Any]:
    """Return a point as Optuna keeps it: choices by their text."""
    return {k: label(v) if hasattr(space[k], "values") else v for k, v in point.items()}
