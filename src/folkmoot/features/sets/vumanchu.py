"""The set `vumanchu`: the lines and events of VuManChu's ciphers, and Sommi's on coarser bars.

Lines are centred on 0, so that they change sign with the chart. Events are flags of one side;
turned upside down, a chart shows the event of the other side where both have the same levels.
Gold is left out: ten in 5,000 hours of BTC leave its age unknown for too long. `stoch_k`, `stoch_d`
and `stc` take a range that rounding alone makes for an empty one, where the script's jump.
"""

from folkmoot.causal import Expr, mean
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.column import HIGHER, Column
from folkmoot.features.families.oscillators import schaff_cycle, stochastic_strength
from folkmoot.features.sommi import sommi
from folkmoot.indicators.cipher_a import cipher_a
from folkmoot.indicators.cipher_b import cipher_b

MONEY = (60, 150.0, 0.0)
"""The money flow without the script's shift of 2.5, which is for the eye."""

HALF = (-50.0 - 1e-9, 50.0 + 1e-9)
"""Half the scale of an oscillator that reaches its ends but for rounding."""

EVENTS = {
    "cross_up": "wave rises above its mean",
    "cross_down": "wave falls below its mean",
    "buy": "wave rises above its mean at -53 or below",
    "sell": "wave falls below its mean at 53 or above",
    "buy_div": "bullish divergence of the wave",
    "sell_div": "bearish divergence of the wave",
}
SOMMI = {
    "flag_bear": "Sommi's bear flag",
    "flag_bull": "Sommi's bull flag",
    "diamond_bear": "Sommi's bear diamond",
    "diamond_bull": "Sommi's bull diamond",
}


def vumanchu(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns for decisions in `timeframe`, Sommi's from its higher timeframes last.

    The flag looks at the nearer of them, on which the waves settle sooner, the diamond at both;
    the coarsest timeframe has none of these.
    """
    made = cipher_b(money=MONEY, fixed=True)
    higher = HIGHER[timeframe.label]
    coarse = sommi(higher[0], higher, fixed=True) if higher else {}
    return (
        *_lines(made),
        *_events(made, EVENTS, "events"),
        *_events(coarse, SOMMI if coarse else {}, "sommi"),
    )


def _lines(made: dict[str, Expr]) -> tuple[Column, ...]:
    from_50, strength = "points from 50", stochastic_strength()
    return (
        Column("wt1", made["wt1"], "points", "level", "waves"),
        Column("wt2", made["wt2"], "points", "level", "waves"),
        Column("wt_vwap", made["wt_vwap"], "points", "level", "waves"),
        Column("rsimfi", made["rsimfi"], "150 times body over range", "level", "money flow"),
        Column("stoch_k", strength - 50.0, from_50, "ratio", "momentum", limits=HALF),
        Column("stoch_d", mean(strength, 3) - 50.0, from_50, "ratio", "momentum", limits=HALF),
        Column("stc", schaff_cycle() - 50.0, from_50, "level", "momentum", limits=HALF),
        Column("ribbon_dir", cipher_a()["ribbon_dir"], "sign", "level", "trend"),
    )


def _events(made: dict[str, Expr], words: dict[str, str], group: str) -> tuple[Column, ...]:
    columns: list[Column] = []
    for name, meaning in words.items():
        age = f"{name}_age"
        columns.append(Column(name, made[name], f"event: {meaning}", "none", group))
        columns.append(Column(age, made[age], f"bars since: {meaning}", "none", group))
    return tuple(columns)


PLUGIN = vumanchu
