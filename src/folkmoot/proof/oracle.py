"""Trade a planted sign through the desk: what somebody who knew the truth would have earned."""

import math

from folkmoot.core.bars import Bar
from folkmoot.core.forecast import Belief
from folkmoot.desk import Desk, Hearing, Journal
from folkmoot.execution import Costs, Limits, SimBroker
from folkmoot.market.worlds import World
from folkmoot.strategies import build


class SignVoice:
    """A voice that says the planted sign and nothing else."""

    def __init__(self, world: World) -> None:
        self._sign = dict(zip(world.bars.open_time.tolist(), world.sign.tolist(), strict=True))

    def hear(self, bar: Bar) -> Hearing:
        """Return the sign planted for the bar after this one."""
        p_up = 0.5 + 0.05 * self._sign[bar.open_time]
        belief = Belief("truth", bar.symbol, bar.close_time, 1, p_up)
        return Hearing("ok", belief, (), math.nan, (math.nan, math.nan), 0, (), "planted sign")


def planted_net(world: World, costs: Costs) -> float:
    """Return the net return, in basis points of equity a bar, of trading the planted sign."""
    bars = world.bars
    broker = SimBroker(costs, 1_000_000.0)
    desk = Desk(
        bars.symbol,
        bars.timeframe,
        SignVoice(world),
        build("follow_sign"),
        Limits(),
        broker,
        Journal.nowhere(),
        {},
    )
    desk.replay(bars)
    return 1e4 * math.log(broker.snapshot().equity / 1_000_000.0) / len(bars)
