"""What `folkmoot features` prints for people."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from folkmoot.app.cli.output import console
from folkmoot.features.catalogue import said_stable

MOST = 40


def show_sets(found: Sequence[dict[str, Any]]) -> None:
    """Print the sets with their sizes and lengths."""
    table = _table("set", "columns", "warm-up", "stable", "says")
    for one in found:
        table.add_row(
            one["name"], str(one["columns"]), str(one["warmup"]), _stable(one), one["says"]
        )
    console().print(table)


def _stable(one: dict[str, Any]) -> str:
    forgetful = str(one["stable"])
    return f"{forgetful}, {one['never_stable']} never" if one["never_stable"] else forgetful


def show_columns(card: dict[str, Any]) -> None:
    """Print the columns of a set."""
    table = _table("column", "group", "unit", "warm-up", "stable", "mirror", "formula")
    for one in card["columns"]:
        stable = said_stable(one)
        table.add_row(
            one["name"], one["group"], one["unit"], str(one["warmup"]), stable, one["mirror"],
            _short(one["formula"], 60),
        )  # fmt: skip
    console().print(table)
    console().print(f"{card['name']} {card['timeframe']}: {len(card['columns'])} columns")


def show_indicators(found: Sequence[dict[str, Any]]) -> None:
    """Print the indicators."""
    table = _table("indicator", "what it is", "outputs")
    for one in found:
        table.add_row(one["name"], one["source"], _short(", ".join(one["outputs"]), 60))
    console().print(table)


def show_one(facts: dict[str, Any]) -> None:
    """Print all that is known of a column or an indicator, long formulas cut short."""
    from folkmoot.features.catalogue import shortened

    for key, said in facts.items():
        if isinstance(said, dict):
            console().print(f"{key}:")
            for name, text in said.items():
                console().print(f"  {name}: {shortened(str(text))}", soft_wrap=True)
        else:
            text = shortened(said) if key == "formula" else said
            console().print(f"{key}: {text}", soft_wrap=True)


def show_screening(facts: dict[str, Any]) -> None:
    """Print the strongest columns and what chance alone would show."""
    table = _table("column", "IC", "t", "q", "same sign", "known %", "drift", "cluster")
    for one in facts["columns"][:MOST]:
        table.add_row(
            one["name"], _number(one["ic"], 4), _number(one["t"], 2), _number(one["q"], 3),
            _number(one["same_sign"], 2), _number(100.0 * one["known"], 1),
            _number(one["drift"], 3), str(one["cluster"]),
        )  # fmt: skip
    console().print(table)
    out = len(facts["columns"]) - MOST
    rest = f"; {out} weaker ones are in --json" if out > 0 else ""
    console().print(
        Text(
            f"{facts['beyond_5_percent']} columns beyond the 5 % level where chance alone gives "
            f"{facts['expected_by_chance']:.1f}; {facts['clusters']} clusters{rest}. q is the "
            "share of false finds among all up to that column."
        ),
        soft_wrap=True,
    )


def _table(*names: str) -> Table:
    table = Table(*names, box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    return table


def _number(value: float | None, places: int) -> str:
    return "-" if value is None or value != value else f"{value:.{places}f}"


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 4]} ..."
