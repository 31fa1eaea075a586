"""Laws of the desk: one decision a bar, journalled before anything is sent."""

import math
from pathlib import Path

import numpy as np
import pytest
from tests.desk.scene import NAMES, SYMBOL, scene, seat

from folkmoot.core.bars import Bar
from folkmoot.core.decision import Ack, Book, Decision, Fill, Order, Reject, Signal, Unknown
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Belief
from folkmoot.core.timeframe import Timeframe
from folkmoot.desk import Desk, Hearing, Journal, compose
from folkmoot.execution import Costs, Limits, SimBroker
from folkmoot.strategies import build

SCENE = scene(600)
KEY = ("half_kelly", SYMBOL, "1h")


class Says:
    """A voice that always says the same probability."""

    def __init__(self, p_up: float, status: str = "ok", confidence: float = math.nan) -> None:
        self.p_up, self.status, self.confidence = p_up, status, confidence

    def hear(self, bar: Bar) -> Hearing:
        """Say it."""
        levels = tuple(0.006 * z for z in (-1.6, -1.3, -0.7, 0.0, 0.7, 1.3, 1.6))
        said = Belief("it", bar.symbol, bar.close_time, 1, self.p_up, levels, 50.0)
        return Hearing(self.status, said, (), self.confidence, (0.5, 0.6), 1_000)


def desk_of(voice: Says, limits: Limits | None = None, strategy: str = "follow_sign") -> Desk:
    broker = SimBroker(Costs(), 10_000.0)
    made = build(strategy)
    return Desk(SYMBOL, "1h", voice, made, limits or Limits(), broker, Journal.nowhere())


async def test_an_order_is_decided_at_a_close_and_filled_at_the_next_open() -> None:
    desk = desk_of(Says(0.56, confidence=0.56))
    first = await desk.on_bar(SCENE.bars.bar(0))
    second = await desk.on_bar(SCENE.bars.bar(1))
    assert first.signal is Signal.BUY
    assert first.confidence == 0.56
    assert first.orders[0].created_at == SCENE.bars.bar(0).close_time
    assert isinstance(desk.broker, SimBroker)
    (fill,) = await desk.broker.fills(0)
    assert fill.price == SCENE.bars.bar(1).open * 1.0005
    assert second.orders == ()


async def test_the_same_bar_again_is_the_same_decision_and_journals_nothing(
    tmp_path: Path,
) -> None:
    with Journal(tmp_path / "j.db") as journal:
        desk = seat(SCENE, journal)
        decisions = [await desk.on_bar(SCENE.bars.bar(row)) for row in range(100)]
        head = journal.head
        assert await desk.on_bar(SCENE.bars.bar(99)) is decisions[99]
        again = await desk.on_bar(SCENE.bars.bar(50))
        assert again.as_dict() == decisions[50].as_dict()
        assert (len(journal), journal.head) == (100, head)


async def test_a_bar_that_comes_late_is_journalled_without_an_order(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.db") as journal:
        desk = seat(SCENE, journal)
        for row in (*range(60), 61, 62, 63):
            await desk.on_bar(SCENE.bars.bar(row))
        late = await desk.on_bar(SCENE.bars.bar(60))
        assert (late.status, late.signal, late.orders) == ("late", Signal.HOLD, ())
        assert not late.consensus.known
        known = len(journal)
        assert (await desk.on_bar(SCENE.bars.bar(60))).as_dict() == late.as_dict()
        assert len(journal) == known == 64
        await desk.on_bar(SCENE.bars.bar(64))
        assert journal.verify() == 65


def test_duplicated_bars_change_nothing() -> None:
    clean, doubled = Journal.nowhere(), Journal.nowhere()
    seat(SCENE, clean).replay(SCENE.bars)
    desk = seat(SCENE, doubled)
    for stop in range(60, 660, 60):
        desk.replay(SCENE.bars.rows(max(0, stop - 66), stop))
    assert doubled.head == clean.head


def test_nothing_is_held_while_nobody_may_act() -> None:
    for status in ("warming", "no_earned_weight", "unknown_features", "stale"):
        desk = desk_of(Says(0.7, status))
        replay = desk.replay(SCENE.bars.until(5))
        assert replay.orders == 0
        assert not replay.curve.weight.any()


async def test_confidence_speaks_of_the_signal() -> None:
    bar = SCENE.bars.bar(0)
    down = await desk_of(Says(0.44, confidence=0.56)).on_bar(bar)
    flat = await desk_of(Says(0.51, confidence=0.51), strategy="half_kelly").on_bar(bar)
    assert (down.signal, down.confidence, down.interval) == (Signal.SELL, 0.56, (0.5, 0.6))
    assert flat.signal is Signal.BUY
    hold = await desk_of(Says(0.5, confidence=0.5)).on_bar(bar)
    assert hold.signal is Signal.HOLD
    assert math.isnan(hold.confidence)


async def test_a_clamp_is_part_of_the_decision() -> None:
    decision = await desk_of(Says(0.6), Limits(max_weight=0.1)).on_bar(SCENE.bars.bar(0))
    (clamp,) = decision.clamps
    assert (clamp.limit, clamp.before, clamp.after) == ("max_weight", 1.0, 0.1)
    assert decision.orders[0].quantity * SCENE.bars.close[0] == pytest.approx(1_000.0)


def test_a_drawdown_halt_survives_a_restart_and_ends_by_reset(tmp_path: Path) -> None:
    limits = Limits(max_drawdown=0.02)

    def open_desk(journal: Journal) -> Desk:
        broker = SimBroker(Costs(), 10_000.0)
        strategy = build("follow_sign")
        return Desk(SYMBOL, "1h", Says(0.4), strategy, limits, broker, journal)

    rising = SCENE.bars.until(300)
    with Journal(tmp_path / "j.db") as journal:
        weights = open_desk(journal).replay(rising).curve.weight
    halted = int(np.argmin(weights != 0.0))
    assert 0 < halted < 300
    assert not weights[halted:].any()
    with Journal(tmp_path / "j.db") as journal:
        desk = open_desk(journal)
        assert not desk.replay(SCENE.bars.until(301)).curve.weight.any()
        desk.reset()
        assert desk.replay(SCENE.bars.until(302)).curve.weight.tolist() == [-1.0]


def test_the_slow_edge_pays_for_15_basis_points_and_the_fast_one_is_not_traded() -> None:
    played = scene(6_000)
    slow = seat(played, Journal.nowhere()).replay(played.bars)
    assert slow.curve.equity[-1] > 12_000.0
    assert np.mean(np.abs(slow.curve.weight[400:]) >= 0.9) > 0.8
    fast = scene(6_000, life=1.5)
    assert seat(fast, Journal.nowhere()).replay(fast.bars).orders == 0


def test_members_stand_in_the_decision_with_what_they_said(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.db", commit_every=100) as journal:
        seat(SCENE, journal).replay(SCENE.bars)
        last = list(journal.decisions(KEY))[-1]
    assert tuple(b.source for b in last.beliefs) == NAMES
    assert [b.p_up for b in last.beliefs] == SCENE.minutes.calibrated[-1].tolist()
    assert last.consensus.p_up == SCENE.minutes.p_up[-1]
    np.testing.assert_allclose(last.consensus.quantiles, SCENE.minutes.quantiles[-1], atol=5e-10)


def test_live_words_and_replayed_words_make_the_same_hearing() -> None:
    voice = SCENE.voice()
    for row in (0, 77, 599, 3):
        bar = SCENE.bars.bar(row)
        own = SCENE.ballots.quantiles[row]
        live = compose(SCENE.minutes.at(row), SYMBOL, bar.close_time, 1, NAMES, own)
        assert voice.hear(bar) == live


def test_a_bar_without_a_meeting_is_an_error() -> None:
    other = Bar(SYMBOL, Timeframe.of("1h"), 0, 1.0, 1.0, 1.0, 1.0, 1.0)
    with pytest.raises(DataError, match="no meeting"):
        SCENE.voice().hear(other)


async def test_a_bar_of_another_market_is_refused() -> None:
    other = Bar("OTHER", Timeframe.of("1h"), 0, 1.0, 1.0, 1.0, 1.0, 1.0)
    with pytest.raises(UsageError, match="OTHER"):
        await desk_of(Says(0.6)).on_bar(other)


class Venue:
    """A venue that answers as told and fills what it has accepted."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.seen = list(answers), list[str]()
        self.inside: dict[str, Order] = {}

    async def submit(self, order: Order) -> Ack | Reject | Unknown:
        """Take the order if the next answer is not a refusal."""
        self.seen.append(order.id)
        answer = self.answers.pop(0) if self.answers else "ack"
        if answer == "reject":
            return Reject(order.id, "no")
        self.inside[order.id] = order
        return Ack(order.id) if answer == "ack" else Unknown(order.id, "the answer was lost")

    async def fills(self, since: int) -> list[Fill]:
        """Say every fill again and again."""
        return [Fill(o.id, 0, o.symbol, o.quantity, 100.0, 0.0, 5) for o in self.inside.values()]

    async def book(self) -> Book:
        """Say what the accepted orders amount to."""
        units = sum(order.quantity for order in self.inside.values())
        return Book(10_000.0 - 100.0 * units, {SYMBOL: units} if units else {}, {SYMBOL: 100.0})


def venue_desk(venue: Venue, journal: Journal) -> Desk:
    return Desk(SYMBOL, "1h", Says(0.6), build("follow_sign"), Limits(), venue, journal, band=0.9)


async def test_an_unknown_outcome_is_asked_again_and_never_ordered_twice(tmp_path: Path) -> None:
    venue = Venue("unknown", "unknown", "ack")
    with Journal(tmp_path / "j.db") as journal:
        desk = venue_desk(venue, journal)
        decisions = [await desk.on_bar(SCENE.bars.bar(row)) for row in range(5)]
        assert len(set(venue.seen)) == 1
        assert len(venue.seen) == 3
        assert sum(len(decision.orders) for decision in decisions) == 1
        assert "unknown outcome" in decisions[1].reason
        assert len(journal.fills()) == 1
        assert journal.verify() == 5


async def test_a_restart_sends_the_waiting_order_again_under_the_same_id(tmp_path: Path) -> None:
    lost, venue = Venue("unknown"), Venue()
    with Journal(tmp_path / "j.db") as journal:
        await venue_desk(lost, journal).on_bar(SCENE.bars.bar(0))
    with Journal(tmp_path / "j.db") as journal:
        decision = await venue_desk(venue, journal).on_bar(SCENE.bars.bar(1))
    assert venue.seen == lost.seen
    assert decision.orders == ()


async def test_a_rejected_order_is_noted_and_not_sent_again(tmp_path: Path) -> None:
    venue = Venue("reject")
    with Journal(tmp_path / "j.db") as journal:
        await venue_desk(venue, journal).on_bar(SCENE.bars.bar(0))
    with Journal(tmp_path / "j.db") as journal:
        await venue_desk(venue, journal).on_bar(SCENE.bars.bar(1))
    assert len(venue.seen) == len(set(venue.seen)) == 2


async def test_the_decision_is_on_disk_before_the_order_is_sent(tmp_path: Path) -> None:
    path, found = tmp_path / "j.db", list[Decision]()

    class Watching(Venue):
        async def submit(self, order: Order) -> Ack | Reject | Unknown:
            with Journal(path, read_only=True) as reader:
                found.extend(reader.decisions())
            return await super().submit(order)

    with Journal(path) as journal:
        await venue_desk(Watching(), journal).on_bar(SCENE.bars.bar(0))
    assert len(found) == len(found[0].orders) == 1


def test_a_broker_that_acts_needs_every_record_committed(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "j.db", commit_every=10) as journal,
        pytest.raises(UsageError, match="10"),
    ):
        venue_desk(Venue(), journal)
