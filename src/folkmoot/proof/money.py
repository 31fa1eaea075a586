"""Run the study's desk over the scored span, and say what it earned and what that cost."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from folkmoot.core import plugins
from folkmoot.core.bars import Bars, Floats, Times
from folkmoot.core.decision import Fill
from folkmoot.core.errors import UsageError
from folkmoot.core.protocols import Strategy
from folkmoot.desk import Curve, Desk, Journal, ReplayVoice, Voice
from folkmoot.execution import Costs, Limits, SimBroker
from folkmoot.proof.bootstrap import SharpeInterval, sharpe_interval
from folkmoot.proof.examine import Examined
from folkmoot.proof.rule_voice import RuleVoice
from folkmoot.proof.sharpe import bars_a_year, exposure, max_drawdown, position_changes
from folkmoot.strategies import build

CASH = 1_000_000.0
COSTS_SHOWN = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 25.0)


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """What the desk did with `CASH` over n bars, one entry a bar.

    `net[n]` simple returns of equity; `gross[n]` the same with all costs added back;
    `traded[n]` notional over the equity before; `weight[n]` decided at the close;
    `head` of the journal.
    """

    open_time: Times
    equity: Floats
    net: Floats
    gross: Floats
    traded: Floats
    weight: Floats
    hold: Floats
    paid: float
    changes: int
    head: str

    @property
    def year(self) -> float:
        """Bars a year that the series really has."""
        return bars_a_year(self.open_time)


def build_strategy(name: str, costs: Costs, bars: Bars) -> Strategy:
    """Construct a strategy, telling it the costs and the timeframe if it asks for them."""
    known = plugins.options(plugins.load("folkmoot.strategies", name))
    told: dict[str, Any] = {"cost": costs.rate, "timeframe": bars.timeframe.label}
    return build(name, **{option: told[option] for option in told if option in known})


def voice_of(
    rule: Strategy, history: Bars, examined: Examined, members: tuple[str, ...], horizon: int
) -> Voice:
    """Return whom a desk has to hear for `rule`, who knows every bar of `history`.

    That is what the strategy's attribute `voice` says: the committee, if it says nothing, or the
    rule of document 000, whose record begins with `history`.
    """
    wanted = getattr(rule, "voice", "committee")
    if wanted == "rule":
        return RuleVoice(history, horizon)
    if wanted != "committee":
        name = getattr(rule, "name", "strategy")
        raise UsageError(
            f"no voice is called {wanted!r}", where=name, allowed=["committee", "rule"]
        )
    minutes, ballots = examined.minutes, examined.ballots
    return ReplayVoice(minutes, ballots, history.symbol, members, horizon=horizon)


def trade(
    bars: Bars,
    examined: Examined,
    members: tuple[str, ...],
    horizon: int,
    *,
    strategy: str,
    costs: Costs,
    limits: Limits,
    journal: Path,
    provenance: dict[str, str],
    history: Bars | None = None,
) -> Money:
    """Replay `bars` through the desk and its journal; a killed replay continues where it was.

    `history` is the series that `bars` are part of: a rule with a record of its own begins it
    there, and with `bars` if none is given.
    """
    rule = build_strategy(strategy, costs, bars)
    voice = voice_of(rule, bars if history is None else history, examined, members, horizon)
    origin = provenance["origin"]
    journal.parent.mkdir(parents=True, exist_ok=True)
    with Journal(journal, commit_every=1_000, study=provenance["study"], origin=origin) as book:
        broker = SimBroker(costs, CASH)
        desk = Desk(bars.symbol, bars.timeframe, voice, rule, limits, broker, book, provenance)
        done = desk.replay(bars)
        curve, fills = done.curve, list(done.fills)
        if done.repeated:
            curve = book.curve((desk.name, bars.symbol, bars.timeframe.label))
            fills = book.fills()
        return _money(bars, curve, fills, costs, book.head)


def _money(bars: Bars, curve: Curve, fills: list[Fill], costs: Costs, head: str) -> Money:
    before = np.concatenate(([CASH], curve.equity[:-1]))
    charge = np.zeros(len(curve.equity))
    notional = np.zeros(len(curve.equity))
    rows = np.searchsorted(curve.open_time, [fill.filled_at for fill in fills])
    for row, fill in zip(rows.tolist(), fills, strict=True):
        side = math.copysign(1.0, fill.quantity)
        at_open = abs(fill.quantity) * fill.price / (1.0 + side * costs.slippage)
        notional[row] += at_open
        charge[row] += fill.fee + abs(abs(fill.quantity) * fill.price - at_open)
    net = curve.equity / before - 1.0
    return Money(
        open_time=curve.open_time,
        equity=curve.equity,
        net=net,
        gross=net + charge / before,
        traded=notional / before,
        weight=curve.weight,
        hold=bars.close / bars.open[0],
        paid=float(charge.sum()) / CASH,
        changes=len(fills),
        head=head,
    )


def sharpe_of(money: Money, digest: str) -> SharpeInterval:
    """Return the annual net Sharpe ratio with its stationary-bootstrap bounds."""
    return sharpe_interval(money.net, money.year, digest)


def backtest_dict(money: Money, found: SharpeInterval) -> dict[str, Any]:
    """Return the `backtest` part of a study's JSON."""
    return {
        "net_return": float(money.equity[-1] / CASH - 1.0),
        "gross_return": float(np.prod(1.0 + money.gross) - 1.0),
        "net_bp": 1e4 * float(money.net.mean()),
        "gross_bp": 1e4 * float(money.gross.mean()),
        "sharpe": found.sharpe,
        "sharpe_interval": list(found.interval),
        "sharpe_bounds": [found.lower, found.upper],
        "max_drawdown": max_drawdown(money.equity),
        "turnover": float(money.traded.sum()),
        "costs": money.paid,
        "buy_and_hold": float(money.hold[-1] - 1.0),
        "trades": money.changes,
        "changes_of_target": position_changes(money.weight),
        "exposure": exposure(money.weight),
        "bars": len(money.net),
    }


def cost_table(money: Money, digest: str, charged: float) -> list[dict[str, Any]]:
    """Return net Sharpe and net bp a bar of the same positions at several costs per side."""
    table = []
    for cost in sorted({*COSTS_SHOWN, 1e4 * charged}):
        net = money.gross - money.traded * cost * 1e-4
        found = sharpe_interval(net, money.year, digest, draws=500)
        table.append(
            {
                "cost_bp": cost,
                "sharpe": found.sharpe,
                "sharpe_interval": list(found.interval),
                "net_bp": 1e4 * float(net.mean()),
            }
        )
    return table
