"""A study's desk goes on: bar by bar, after a restart, and while bars close around it."""

import asyncio
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from tests.proof.feeds import Exchange, Market

from folkmoot.committee import Committee
from folkmoot.core.bars import Bar, Bars
from folkmoot.core.clock import BarClock
from folkmoot.core.decision import Book, Decision, Target
from folkmoot.core.errors import DataError, JournalError, UsageError
from folkmoot.core.forecast import Belief, Features, Forecast
from folkmoot.core.protocols import Source
from folkmoot.core.timeframe import Timeframe
from folkmoot.desk import Desk, Journal, ReplayVoice
from folkmoot.execution import Costs, Limits, SimBroker
from folkmoot.market.polling import Resumable
from folkmoot.market.worlds import plant, world
from folkmoot.proof import Study, last_decision, prove
from folkmoot.proof.examine import examine
from folkmoot.proof.keys import lineage
from folkmoot.proof.live import LiveDesk, LiveVoice, live_desk
from folkmoot.proof.money import CASH, build_strategy
from folkmoot.training import TaskStore

# Both lengths have the same anchored blocks.
N, LATER = 6_390, 140
FIRST, MIDDLE = N - LATER, N - LATER // 2
COMMITTEE = Committee()
# No bar is old at this instant.
FRESH = BarClock(0)


@pytest.fixture(scope="module")
def whole() -> Bars:
    # A stronger edge than the product plants, so that members earn weight within 6,000 bars.
    return plant(world("martingale", n=N, seed=3).bars, seed=3, p=0.65).bars


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, whole: Bars) -> Study:
    home = tmp_path_factory.mktemp("root")
    bars = whole.until(FIRST)
    return prove(COMMITTEE, bars, root=home, workers=1, controls="needed", copies=1, plants=1)


@pytest.fixture(scope="module")
def head(study: Study, whole: Bars, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the journal's head after an unbroken replay of all later bars."""
    desk = opened(study, tmp_path_factory.mktemp("unbroken") / "j.db")
    with desk.journal:
        return desk.replay(whole).head


def opened(study: Study, path: Path) -> LiveDesk:
    return live_desk(study, None, None, "paper", path, clock=FRESH)


def each(desk: LiveDesk, bars: Bars) -> list[Decision]:
    return [asyncio.run(desk.on_bar(bar)) for bar in bars]


def handmade(study: Study, journal: Journal, later: tuple[Bar, ...] = ()) -> LiveDesk:
    """Return a live desk on a journal of the test's own."""
    bars, about = study.bars, study.facts["provenance"]
    rule, broker = build_strategy("half_kelly", Costs(), bars), SimBroker(Costs(), CASH)
    voice = LiveVoice(study, later)
    desk = Desk(bars.symbol, bars.timeframe, voice, rule, Limits(), broker, journal, about)
    return LiveDesk(desk, voice, int(bars.open_time[-1]))


def kept(study: Study, path: Path, commit_every: int = 1) -> Journal:
    name, origin = study.facts["provenance"]["study"], lineage(study.bars)
    return Journal(path, commit_every=commit_every, study=name, origin=origin)


def test_the_live_desk_says_what_a_longer_history_would_have_said(
    study: Study, whole: Bars, tmp_path: Path
) -> None:
    desk = opened(study, tmp_path / "live.db")
    with desk.journal:
        live = each(desk, whole.rows(FIRST, N))
    history = decisions_over_history(whole, study)
    assert len(live) == len(history) == LATER
    for mine, theirs in zip(live, history, strict=True):
        assert without_provenance(mine) == without_provenance(theirs)
    assert any(decision.status == "ok" for decision in live)


def decisions_over_history(whole: Bars, study: Study) -> list[Decision]:
    seen = examine(whole, COMMITTEE, "core", TaskStore(study.root / "tasks"))
    voice = ReplayVoice(seen.minutes, seen.ballots, whole.symbol, COMMITTEE.models)
    rule = build_strategy("half_kelly", Costs(), whole)
    broker, book = SimBroker(Costs(), CASH), Journal.nowhere()
    desk = Desk(whole.symbol, whole.timeframe, voice, rule, Limits(), broker, book, {})
    return [asyncio.run(desk.on_bar(whole.bar(row))) for row in range(FIRST, N)]


def without_provenance(decision: Decision) -> str:
    return repr(dataclasses.replace(decision, provenance={}))


@pytest.mark.parametrize("before", ["on_bar", "replay"])
@pytest.mark.parametrize("after", ["on_bar", "replay"])
def test_a_restarted_desk_ends_with_the_same_journal(
    study: Study, whole: Bars, head: str, tmp_path: Path, before: str, after: str
) -> None:
    def go(desk: LiveDesk, way: str, start: int, stop: int) -> None:
        part = whole.rows(start, stop)
        if way == "replay":
            desk.replay(part)
        else:
            each(desk, part)

    first = opened(study, tmp_path / "j.db")
    with first.journal:
        go(first, before, FIRST, MIDDLE)
    second = opened(study, tmp_path / "j.db")
    with second.journal:
        go(second, after, MIDDLE, N)
        assert second.journal.head == head
        assert second.journal.verify() == LATER


@pytest.mark.parametrize("commit_every", [1, 32])
def test_a_killed_desk_goes_on_from_what_was_committed(
    study: Study, whole: Bars, head: str, tmp_path: Path, commit_every: int
) -> None:
    path = tmp_path / "j.db"
    killed = kept(study, path, commit_every)
    each(handmade(study, killed), whole.rows(FIRST, MIDDLE))
    killed.close(flush=False)
    with kept(study, path, commit_every) as journal:
        heard = journal.bars(("half_kelly", whole.symbol, "1h"))
        assert len(heard) == (MIDDLE - FIRST) // commit_every * commit_every
        desk = handmade(study, journal, tuple(heard))
        each(desk, whole.rows(FIRST + len(heard), N))
        assert journal.head == head


def test_a_restarted_desk_answers_known_bars_from_its_journal(
    study: Study, whole: Bars, head: str, tmp_path: Path
) -> None:
    first = opened(study, tmp_path / "j.db")
    with first.journal:
        told = each(first, whole.rows(FIRST, MIDDLE))
    second = opened(study, tmp_path / "j.db")
    with second.journal:
        again = each(second, whole.rows(FIRST, N))[: len(told)]
        assert [d.as_dict() for d in again] == [d.as_dict() for d in told]
        assert second.journal.head == head


def test_a_bar_that_came_late_is_no_part_of_what_a_restarted_desk_has_heard(
    study: Study, whole: Bars, tmp_path: Path
) -> None:
    def out_of_order(restart: bool, path: Path) -> str:
        desk = opened(study, path)
        rows = [*range(FIRST, FIRST + 10), *range(FIRST + 11, MIDDLE), FIRST + 10]
        late = [asyncio.run(desk.on_bar(whole.bar(row))) for row in rows][-1]
        assert late.status == "late"
        if restart:
            desk.journal.close()
            desk = opened(study, path)
        with desk.journal:
            each(desk, whole.rows(MIDDLE, N))
            return desk.journal.head

    unbroken = out_of_order(False, tmp_path / "one.db")
    assert out_of_order(True, tmp_path / "two.db") == unbroken


def test_a_desk_whose_voice_has_not_heard_its_journal_refuses_new_bars(
    study: Study, whole: Bars, tmp_path: Path
) -> None:
    with kept(study, tmp_path / "j.db") as journal:
        each(handmade(study, journal), whole.rows(FIRST, MIDDLE))
        deaf, known = handmade(study, journal), len(journal)
        with pytest.raises(DataError, match="the voice has heard up to"):
            asyncio.run(deaf.on_bar(whole.bar(MIDDLE)))
        with pytest.raises(DataError, match="the voice has heard up to"):
            deaf.replay(whole)
        assert len(journal) == known


def test_a_refused_bar_changes_nothing(
    study: Study, whole: Bars, head: str, tmp_path: Path
) -> None:
    desk = opened(study, tmp_path / "j.db")
    with desk.journal:
        each(desk, whole.rows(FIRST, MIDDLE))
        bar = whole.bar(MIDDLE)
        four = Timeframe.of("4h")
        refused: list[tuple[Bar, type[Exception]]] = [
            (dataclasses.replace(bar, symbol="OTHER", close=bar.high), UsageError),
            (dataclasses.replace(bar, timeframe=four), UsageError),
            (dataclasses.replace(whole.bar(MIDDLE - 1), symbol="OTHER"), UsageError),
            (whole.bar(10), DataError),
            (whole.bar(FIRST - 1), DataError),
        ]
        for wrong, error in refused:
            with pytest.raises(error, match=r"of OTHER|of .* 4h|bars in their order"):
                asyncio.run(desk.on_bar(wrong))
        with pytest.raises(UsageError, match="OTHER"):
            desk.replay(dataclasses.replace(whole, symbol="OTHER"))
        each(desk, whole.rows(MIDDLE, N))
        assert desk.journal.head == head


class Tired:
    """A member that gives up."""

    horizons, lookback = (1,), 1

    def predict(self, x: Features) -> Forecast:
        """Give up."""
        raise MemoryError(f"no room for {len(x.known_at)} rows")


def test_a_voice_that_failed_refuses_everything_and_a_new_desk_goes_on(
    study: Study, whole: Bars, head: str, tmp_path: Path
) -> None:
    desk = opened(study, tmp_path / "j.db")
    each(desk, whole.rows(FIRST, MIDDLE))
    with desk.journal:
        desk._voice._members[0] = Tired()
        with pytest.raises(MemoryError):
            asyncio.run(desk.on_bar(whole.bar(MIDDLE)))
        for row in (MIDDLE, MIDDLE + 1):
            with pytest.raises(DataError, match="failed on the bar after"):
                asyncio.run(desk.on_bar(whole.bar(row)))
        assert len(desk.journal) == MIDDLE - FIRST
    again = opened(study, tmp_path / "j.db")
    with again.journal:
        each(again, whole.rows(MIDDLE, N))
        assert again.journal.head == head


class Stumbling:
    """A strategy that fails on its n-th bar, once."""

    name = "half_kelly"

    def __init__(self, study: Study, n: int) -> None:
        self._rule, self._left = build_strategy("half_kelly", Costs(), study.bars), n

    def target(self, symbol: str, belief: Belief, book: Book) -> Target:
        """Say what half Kelly says, or fail."""
        self._left -= 1
        if self._left == 0:
            raise ArithmeticError("stumbled")
        return self._rule.target(symbol, belief, book)


def test_a_bar_that_was_heard_and_not_journalled_must_be_offered_again(
    study: Study, whole: Bars, head: str, tmp_path: Path
) -> None:
    with kept(study, tmp_path / "j.db") as journal:
        desk = handmade(study, journal)
        desk.desk._strategy = Stumbling(study, 50)
        with pytest.raises(ArithmeticError):
            each(desk, whole.rows(FIRST, N))
        failed = FIRST + len(journal)
        assert failed < N - 1
        with pytest.raises(DataError, match="heard and not journalled"):
            asyncio.run(desk.on_bar(whole.bar(failed + 1)))
        other = dataclasses.replace(whole.bar(failed), volume=1.0)
        with pytest.raises(DataError, match="came after"):
            asyncio.run(desk.on_bar(other))
        each(desk, whole.rows(failed, N))
        assert journal.head == head


def test_a_bar_that_closed_long_ago_opens_no_position_unless_it_is_replayed(
    study: Study, whole: Bars, tmp_path: Path
) -> None:
    live, replayed = study.desk(journal=tmp_path / "a.db"), study.desk(journal=tmp_path / "b.db")
    with live.journal, replayed.journal:
        decisions = each(live, whole.rows(FIRST, N))
        assert not any(decision.orders for decision in decisions)
        assert {clamp.limit for decision in decisions for clamp in decision.clamps} == {"stale"}
        assert replayed.replay(whole).orders > 0


def test_the_last_decision_is_stale_by_a_clock_and_history_without_one(
    study: Study, whole: Bars
) -> None:
    minutes = examine(study.bars, COMMITTEE, "core", TaskStore(study.root / "tasks")).minutes
    surest = FIRST - 100 + int(np.argmax(np.abs(minutes.p_up[-100:] - 0.5)))
    bars = whole.until(surest + 1)
    closed = int(bars.close_time[-1])
    assert wanted(study, bars, None)
    assert wanted(study, bars, BarClock(closed + 3 * bars.timeframe.ms - 1))
    late = last_decision(
        bars, COMMITTEE, root=study.root, clock=BarClock(closed + 3 * bars.timeframe.ms)
    )
    assert late.orders == ()
    assert [clamp.limit for clamp in late.clamps] == ["stale"]


def wanted(study: Study, bars: Bars, clock: BarClock | None) -> bool:
    return bool(last_decision(bars, COMMITTEE, root=study.root, clock=clock).orders)


@pytest.mark.parametrize("kind", [Market, Exchange])
def test_no_bar_is_lost_between_history_and_live_nor_by_a_restart(
    study: Study, whole: Bars, head: str, tmp_path: Path, kind: type[Market]
) -> None:
    market = kind(whole, FIRST + 20)
    assert isinstance(market, Source)
    assert isinstance(market, Resumable) == (kind is Exchange)

    async def run(desk: LiveDesk, stop: int) -> None:
        async for decision in desk.run(market):
            seen.append(decision.known_at)
            if len(seen) == stop:
                break

    seen: list[int] = []
    for stop in (50, LATER):
        desk = opened(study, tmp_path / "j.db")
        with desk.journal:
            asyncio.run(run(desk, stop))
            last = desk.journal.head
    assert seen == whole.close_time[FIRST:].tolist()
    assert last == head


def test_a_polled_bar_that_closed_in_between_comes_before_the_next_one_closes(
    study: Study, whole: Bars, tmp_path: Path
) -> None:
    market = Exchange(whole, FIRST + 20)
    ages: list[int] = []

    async def run(desk: LiveDesk) -> None:
        async for decision in desk.run(market):
            ages.append(market.clock.now() - decision.known_at)
            if len(ages) == LATER:
                break

    desk = opened(study, tmp_path / "j.db")
    with desk.journal:
        asyncio.run(run(desk))
    assert max(ages[20:]) <= 2 * whole.timeframe.ms


def test_a_file_is_followed_to_its_end(
    study: Study, whole: Bars, head: str, tmp_path: Path
) -> None:
    place = tmp_path / "bars.parquet"
    whole.to_frame().to_parquet(place)
    desk = opened(study, tmp_path / "j.db")

    async def run() -> int:
        return len([decision async for decision in desk.run(str(place))])

    with desk.journal:
        assert asyncio.run(run()) == LATER
        assert desk.journal.head == head


def test_bars_come_back_from_the_journal_as_they_were(study: Study, tmp_path: Path) -> None:
    def bar(row: int) -> Bar:
        extra = {"funding": math.nan, "spread": 0.5} if row % 2 else {}
        at = study.bars.bar(row)
        return dataclasses.replace(at, volume=math.nan if row % 3 else at.volume, extra=extra)

    with Journal(tmp_path / "j.db") as journal:
        seen = examine(study.bars, COMMITTEE, "core", TaskStore(study.root / "tasks"))
        voice = ReplayVoice(seen.minutes, seen.ballots, study.bars.symbol, COMMITTEE.models)
        rule = build_strategy("half_kelly", Costs(), study.bars)
        broker = SimBroker(Costs(), CASH)
        desk = Desk(study.bars.symbol, "1h", voice, rule, Limits(), broker, journal)
        for row in (5_000, 5_001, 5_003, 5_002, 5_004):
            asyncio.run(desk.on_bar(bar(row)))
        found = journal.bars(("half_kelly", study.bars.symbol, "1h"))
    assert repr(found) == repr([bar(row) for row in (5_000, 5_001, 5_003, 5_004)])


def test_a_journal_of_another_study_is_refused_and_let_go(study: Study, tmp_path: Path) -> None:
    Journal(tmp_path / "j.db", study="other", origin="other").close()
    with pytest.raises(JournalError, match="study"):
        study.desk(journal=tmp_path / "j.db")
    Journal(tmp_path / "j.db").close()


def test_an_unknown_broker_is_refused(study: Study) -> None:
    with pytest.raises(UsageError, match="paper"):
        study.desk(broker="moon")
