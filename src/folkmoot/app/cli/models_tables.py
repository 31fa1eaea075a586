"""What `folkmoot train` and `folkmoot models` print for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from folkmoot.app.cli.output import console
from folkmoot.app.cli.tables import show_lines
from folkmoot.app.shelved import in_order
from folkmoot.core.hashing import canonical_json
from folkmoot.proof.report.numbers import UNKNOWN, count, decimal, interval, known, percent

STEPS = 8
LOWEST_BLOCK = 0x2581
CURVES = ("loss", "validation_loss", "accuracy")
SHOWN = 8


def show_catalogue(found: Sequence[dict[str, Any]], damaged: Sequence[dict[str, Any]]) -> None:
    """Print the members, below them the versions on the shelf, and what cannot be read there."""
    table = _table("id", "kind", "status", "parameters", "in use", "options")
    for row in found:
        options = ", ".join(f"{name} {_json(value)}" for name, value in row["options"].items())
        sizes = count(row["parameters"]), count(row["parameters_in_use"])
        table.add_row(row["id"], row["kind"], row["status"], *sizes, _plain(options))
    console().print(table)
    show_lines(sorted({row["note"] for row in found if row.get("note")}))
    versions = [one | {"id": row["id"]} for row in found for one in row["versions"]]
    if versions:
        show_lines([""])
        console().print(_versions(versions))
    show_lines(f"{one['name']} v{one['version']}: {one['problem']}" for one in damaged)


def _versions(versions: Sequence[dict[str, Any]]) -> Table:
    table = _table("trained", "version", "member", "status", "market", "horizons", "earned at")
    for one in versions:
        market = f"{one['symbol']} {one['timeframe']}"
        earned = _listed(one["earned"]) or "none"
        cells = one["status"], market, _listed(one["horizons"] or []), earned
        table.add_row(one["name"], str(one["version"]), one["id"], *map(_plain, cells))
    return table


def show_trained(found: Sequence[dict[str, Any]]) -> None:
    """Print each trained version's scores and what to do next."""
    for one in found:
        show_lines([f"{one['name']} v{one['version']}: {_verdict(one['card']['validation'])}"])
        console().print(_scores(one["card"]))
        state = "in use" if one["in_use"] else f"folkmoot models promote {one['name']} "
        show_lines([state if one["in_use"] else f"next: {state}{one['version']}", ""])


def show_card(facts: dict[str, Any]) -> None:
    """Print a trained version's card in words."""
    card = facts["card"]
    show_lines([*_head(facts), _verdict(card["validation"])])
    console().print(_scores(card))
    show_lines([*_calibration(card), *_cost(card), *_curves(facts["learning"])])
    show_lines([*_used(card.get("explained") or {}), f"file: {facts['path']}"])
    if facts.get("page"):
        show_lines([f"page: {facts['page']}"])


def _head(facts: dict[str, Any]) -> Iterator[str]:
    card = facts["card"]
    data, sizes, features = card["data"], card["sizes"], card["features"]
    yield f"{facts['name']} v{facts['version']} ({facts['status']}): {facts['model']}"
    market = f"{card['symbol']} {card['timeframe']}"
    yield f"trained on {market}, {data['from']} to {data['to']}, {data['bars']} bars"
    yield f"what is kept has learnt from bars to {data['trained_to']}"
    size = f"{count(sizes['parameters'])} parameters in use, " if sizes["parameters"] else ""
    yield f"{size}{sizes['columns']} columns of {features['title']}, {sizes['lookback']} bars back"


def _verdict(validation: dict[str, Any]) -> str:
    rows = validation["horizons"]
    earned = [horizon for horizon, row in in_order(rows) if row["earned"]]
    if not validation["passed"]:
        return "validation not passed: too few rows or a score without a value; it is not loaded"
    if not earned:
        return "validated; no skill beyond the references at any horizon"
    return f"validated; skill beyond every reference at horizon {_listed(earned)}"


def _scores(card: dict[str, Any]) -> Table:
    table = _table(
        "bars", "forecaster", "log loss", "accuracy, %", "pinball, bp", "Brier", "p, against"
    )
    for horizon, row in in_order(card["validation"]["horizons"]):
        if "log_loss" not in row:
            table.add_row(horizon, card["model"], f"only {row['n']} rows")
            continue
        table.add_row(
            horizon, card["model"], *_cells(row), f"{decimal(row['p'], 4)} {row['reference']}"
        )
        for name, other in row["baselines"].items():
            table.add_row("", name, *_cells(other), "")
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    shares = [None if part is None else 100.0 * part for part in row["accuracy"]]
    return [
        _spread(row["log_loss"], 4),
        _spread(shares, 1),
        _spread(row["pinball_bp"], 2),
        decimal(row["brier"][0], 4),
    ]


def _spread(three: Sequence[float | None], digits: int) -> str:
    ends = interval(list(three[1:]), lambda value: decimal(value, digits))
    return f"{decimal(three[0], digits)} {ends}"


def _calibration(card: dict[str, Any]) -> Iterator[str]:
    for horizon, (slope, level) in in_order(card["calibration"]):
        line = f"slope {decimal(slope)}, level {decimal(level, 3)}"
        yield f"calibration at {horizon}: {line} on the logit"


def _cost(card: dict[str, Any]) -> Iterator[str]:
    served = card["served"]
    times = [
        f"{form} {decimal(1e3 * seconds, 2)} ms"
        for form in ("onnx", "torch")
        if (seconds := known(served.get(form))) is not None
    ]
    said = f"; one row: {', '.join(times)}" if times else ""
    note = f"; {served['note']}" if served.get("note") else ""
    yield f"answers by {served['by']}{said}{note}"
    folds = len(card["folds"])
    yield f"cost: {decimal(card['cost']['seconds'], 1)} s of training over {folds} folds"


def _curves(history: Sequence[Sequence[dict[str, Any]]]) -> Iterator[str]:
    for seed, epochs in enumerate(history):
        for name in CURVES:
            values = [known(row.get(name)) for row in epochs]
            if any(value is not None for value in values):
                ends = f"{decimal(values[0], 4)} to {decimal(values[-1], 4)}"
                which = f" (seed {seed})" if len(history) > 1 else ""
                yield f"{name.replace('_', ' ')}{which}: {spark(values)} {ends}"


def spark(values: Sequence[float | None]) -> str:
    """Return values as blocks of eight heights, the lowest at the foot; a blank is unknown.

    >>> [ord(block) - LOWEST_BLOCK for block in spark([1.0, 2.0, 1.5])]
    [0, 7, 4]
    """
    there = [value for value in values if value is not None]
    low, span = min(there, default=0.0), max(there, default=0.0) - min(there, default=0.0)
    heights = [
        None if value is None else min(STEPS - 1, int(STEPS * (value - low) / (span or 1.0)))
        for value in values
    ]
    return "".join(" " if height is None else chr(LOWEST_BLOCK + height) for height in heights)


def _used(told: dict[str, Any]) -> Iterator[str]:
    importance = told.get("importance") or []
    if importance:
        first = [f"{name} {percent(share)}" for name, share in importance[:SHOWN]]
        yield f"looked at most: {', '.join(first)}"
    paid = told.get("attention") or []
    if paid:
        top = sorted(range(len(paid)), key=lambda place: -paid[place])[:3]
        where = ", ".join(f"{len(paid) - 1 - place} back {percent(paid[place])}" for place in top)
        yield f"attention over the window, newest last: {spark(paid)} ({where})"


def show_comparison(facts: dict[str, Any]) -> None:
    """Print two versions' scores side by side."""
    table = _table("bars", "score", *facts["models"])
    for horizon, row in in_order(facts["horizons"]):
        table.add_row(horizon, "log loss", *_pair(row["log_loss"], 4))
        table.add_row("", "accuracy", *_pair(row["accuracy"], 4))
        table.add_row("", "pinball, bp", *_pair(row["pinball_bp"], 2))
        table.add_row("", "earned", *("yes" if one else "no" for one in row["earned"]))
        table.add_row("", "lower log loss", row["better"] or "not told apart")
    console().print(table)
    sizes = [count(size) for size in facts["parameters_in_use"]]
    seconds = [decimal(spent, 1) for spent in facts["seconds"]]
    show_lines([f"parameters in use: {' / '.join(sizes)}; seconds: {' / '.join(seconds)}"])
    if not facts["same_bars"]:
        show_lines(["they were scored on different bars: a difference may be the bars'"])


def _pair(values: Sequence[Any], digits: int) -> list[str]:
    return [_spread(three, digits) if three else UNKNOWN for three in values]


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values)


def _json(value: Any) -> str:
    """Return an option as `--set` reads it; a text that is no other JSON goes without quotes."""
    written = canonical_json(value).decode()
    return value if isinstance(value, str) and value else written


def _plain(text: str) -> Text:
    return Text("".join(c if c.isprintable() else " " for c in text))


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table
