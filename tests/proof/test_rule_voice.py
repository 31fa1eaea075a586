"""The rule of document 000 speaks through a desk, with nothing but a record it has earned."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import random_walk

from folkmoot.committee import Committee
from folkmoot.core.bars import Bars
from folkmoot.core.decision import Signal
from folkmoot.core.errors import DataError, UsageError
from folkmoot.desk import Desk, Hearing, Journal
from folkmoot.execution import Costs, Limits, SimBroker
from folkmoot.features import labels
from folkmoot.features.rule import Readings, program, score, side
from folkmoot.market.worlds import world
from folkmoot.proof import prove
from folkmoot.proof.money import CASH, build_strategy, voice_of
from folkmoot.proof.rule_voice import PRIOR, RuleVoice

HORIZONS = pytest.mark.parametrize("horizon", [1, 5])
COMMITTEE = Committee(models=["logistic"])


@pytest.fixture(scope="module")
def bars() -> Bars:
    return world("martingale", n=3_000, seed=5).bars


def heard(voice: RuleVoice, bars: Bars) -> list[str]:
    return [repr(voice.hear(bar)) for bar in bars]


@HORIZONS
def test_fed_bar_by_bar_it_says_what_it_says_of_a_whole_history(bars: Bars, horizon: int) -> None:
    whole = heard(RuleVoice(bars, horizon), bars)
    for seen in (1, 500, 2_999):
        assert heard(RuleVoice(bars.until(seen), horizon), bars) == whole


@HORIZONS
def test_a_gap_spoils_the_same_labels_live_as_in_history(horizon: int) -> None:
    broken = without(random_walk(900), [400, 401, 402, 700])
    whole = heard(RuleVoice(broken, horizon), broken)
    assert heard(RuleVoice(broken.until(1), horizon), broken) == whole


@HORIZONS
def test_the_future_does_not_change_what_was_said(bars: Bars, horizon: int) -> None:
    whole = RuleVoice(bars, horizon)
    for stop in (150, 1_000, 2_345):
        past = bars.until(stop)
        assert heard(RuleVoice(past, horizon), past) == heard(whole, past)


@HORIZONS
def test_a_call_states_the_record_of_its_side_by_the_labels_known_then(
    bars: Bars, horizon: int
) -> None:
    voice, found = RuleVoice(bars, horizon), labels(bars, horizon)
    calls = [side(score(Readings(*row))) for row in program().matrix(bars).tolist()]
    checked = 0
    for t in range(200, len(bars)):
        said = voice.hear(bars.bar(t))
        if calls[t] is Signal.HOLD:
            assert math.isnan(said.consensus.p_up)
            continue
        known = (found.known_at <= bars.close_time[t]) & np.isfinite(found.y) & (found.y != 0.0)
        mine = known & np.array([call is calls[t] for call in calls])
        rises, n = (found.y[mine] > 0.0).sum() / horizon, mine.sum() / horizon
        base = ((found.y[known] > 0.0).sum() / horizon + 1.0) / (known.sum() / horizon + 2.0)
        assert said.consensus.p_up == pytest.approx((rises + PRIOR * base) / (n + PRIOR))
        assert said.n_evidence == mine.sum()
        assert said.interval[0] < said.confidence < said.interval[1]
        checked += 1
    assert checked > 50


def test_it_is_silent_until_everything_is_known_and_where_volume_is_not(bars: Bars) -> None:
    voice = RuleVoice(bars)
    assert voice.hear(bars.bar(0)).status == "warming"
    assert voice.hear(bars.bar(500)).status == "ok"
    empty = random_walk(500, volume=False)
    assert {RuleVoice(empty).hear(bar).status for bar in empty} == {"warming"}


def test_a_bar_that_was_never_heard_is_refused(bars: Bars) -> None:
    with pytest.raises(DataError, match="never heard"):
        RuleVoice(without(bars.until(300), [200])).hear(bars.bar(200))


def test_a_study_trades_the_rule(bars: Bars, tmp_path: Path) -> None:
    study = prove(
        COMMITTEE, bars, strategy="rsi_macd_volume", root=tmp_path, workers=1, controls="needed"
    )
    trades = study.facts["backtest"]["trades"]
    assert trades > 30
    assert 0.0 < study.facts["backtest"]["exposure"] < 1.0
    with Journal(Path(study.facts["journal"])) as book:
        assert len(book.fills()) == trades


def test_the_desk_holds_what_the_rule_called_and_says_how_often_that_was_right(
    bars: Bars,
) -> None:
    voice, rule = RuleVoice(bars), build_strategy("rsi_macd_volume", Costs(), bars)
    limits = Limits()
    broker = SimBroker(Costs(), CASH)
    book = Journal.nowhere()
    desk = Desk(bars.symbol, bars.timeframe, voice, rule, limits, broker, book)
    done = desk.replay(bars)
    calls = [side(score(Readings(*row))).value for row in program().matrix(bars).tolist()]
    assert np.sign(done.curve.weight).tolist() == calls
    last = max(t for t, call in enumerate(calls) if call < 0)
    said: Hearing = voice.hear(bars.bar(last))
    assert said.confidence >= 0.5
    assert said.consensus.evidence == ("rsi_macd_volume:sell",)


def test_a_strategy_that_wants_an_unknown_voice_is_refused(bars: Bars) -> None:
    rule: Any = build_strategy("follow_sign", Costs(), bars)
    rule.voice = "oracle"
    nobody: Any = None
    with pytest.raises(UsageError, match="oracle"):
        voice_of(rule, bars, nobody, (), 1)


def without(bars: Bars, rows: list[int]) -> Bars:
    kept = np.setdiff1d(np.arange(len(bars)), rows)
    columns = {name: bars.column(name)[kept] for name in ("open", "high", "low", "close", "volume")}
    return dataclasses.replace(bars, open_time=bars.open_time[kept], **columns)
