"""Tables for people; every figure comes from the same dictionary that `--json` prints."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from folkmoot.app.cli.output import console

UNKNOWN = "-"
WIDE = 110
STATUSES = {"no_earned_weight": "no weight", "direction_only": "direction"}


def show_study(facts: dict[str, Any]) -> None:
    """Print a study: what it was of, leaderboard, money, controls, power, verdict."""
    out = console()
    span = " to ".join(facts.get("scored_span") or facts["span"])
    scored = f"{facts['bars']} bars, {facts.get('scored', UNKNOWN)} scored, {span}"
    out.print(_line(f"{facts['symbol']} {facts['timeframe']}: {scored}"))
    out.print(_board(facts))
    show_lines([_calibration(facts.get("calibration")), _money(facts.get("backtest"))])
    show_lines([_controls(facts.get("controls"))])
    show_lines([_power(facts.get("power")), *(facts.get("notes") or [])])
    out.print(Text(f"verdict: {facts['verdict']}", style="bold"))
    show_lines(f"  {reason}" for reason in facts.get("reasons") or [])
    show_lines([f"journal: {facts.get('journal') or UNKNOWN}", f"report: {facts['report']}"])


def _board(facts: dict[str, Any]) -> Table:
    """Return the leaderboard; 80 columns hold all but the gains, which stand in a wider window."""
    names = ["forecaster", "status", "weight", "accuracy, %", "by size", "gross bp", "log loss"]
    wide = console().width >= WIDE
    table = Table(*names, *(["gain, mnat"] if wide else []), box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for rows in ([facts.get("consensus")], facts.get("members"), facts.get("baselines")):
        for row in rows or []:
            if row:
                table.add_row(*_cells(row), *([_gain(row)] if wide else []))
        table.add_section()
    return table


def _cells(row: dict[str, Any]) -> list[str | Text]:
    status = row.get("status")
    return [
        _text(row["name"]),
        _text(STATUSES.get(str(status), status)),
        _decimal(row.get("weight"), 2),
        f"{_decimal(row.get('accuracy'), 1, 100.0)} {_interval(row.get('accuracy_interval'))}",
        _decimal(row.get("weighted_accuracy"), 1, 100.0),
        _decimal(row.get("gross_bp"), 2),
        _decimal(row.get("log_loss"), 4),
    ]


def _decimal(value: float | None, places: int, times: float = 1.0) -> str:
    return UNKNOWN if value is None else f"{times * value:.{places}f}"


def _gain(row: dict[str, Any]) -> str:
    """Return the log loss saved against the best reference, in thousandths of a nat a bar."""
    gain, interval = row.get("gain"), row.get("gain_interval")
    if gain is None or not interval or None in interval:
        return UNKNOWN
    low, high = (f"{1000.0 * end:.2f}" for end in interval)
    return f"{1000.0 * gain:.2f} [{low}, {high}]"


def _calibration(facts: dict[str, Any] | None) -> str:
    if not facts:
        return "calibration: not measured"
    from folkmoot.proof.reliability import uncalibrated

    least, caveat = _percent(facts["null_95"]), uncalibrated(facts.get("p"))
    said = f"calibration error {_percent(facts['ece'])}; a calibrated committee stays below {least}"
    return f"{said}: {caveat}" if caveat else said


def _money(facts: dict[str, Any] | None) -> str:
    if not facts:
        return "after costs: nothing was traded"
    low, high = (_number(end) for end in facts["sharpe_interval"])
    return (
        f"after costs: compound net return {_percent(facts['net_return'])}, "
        f"mean net bp a bar {_number(facts.get('net_bp'))}, Sharpe {_number(facts['sharpe'])} "
        f"[{low}, {high}], largest loss from a peak {_percent(facts['max_drawdown'])}, "
        f"turnover {_number(facts['turnover'])}, costs {_percent(facts['costs'])}; "
        f"buy and hold {_percent(facts['buy_and_hold'])}"
    )


def _controls(facts: dict[str, Any] | None) -> str:
    if not facts or not facts.get("copies"):
        return "controls: none were needed"
    copies = facts["copies"]
    shown = ", ".join(_percent(copy["accuracy"]) for copy in copies)
    result = "as they should be" if facts["passed"] else "FAILED"
    return f"controls, {len(copies)} copies without any edge: {shown}; {result}"


def _power(facts: dict[str, Any] | None) -> str:
    if not facts or not facts.get("planted_tried"):
        return "power: not measured"
    return (
        f"power: a planted {_percent(facts['planted_accuracy'])} edge was found in "
        f"{facts['planted_found']} of {facts['planted_tried']} copies of your bars; no test of "
        f"{facts['n']} bars can tell less than {_percent(facts['bound_accuracy'])} from chance"
    )


def show_demo(facts: dict[str, Any]) -> None:
    """Print the demo: self-check, the popular mistake, three worlds, what to do next."""
    out = console()
    check, mistake = facts["self_check"], facts["popular_mistake"]
    out.print(
        _line(
            f"self-check: {check['columns']} features, {check['bars']} bars, "
            f"{check['mismatches']} mismatches of batch and stream, "
            f"{check['future_leaks']} values that the future changed"
        )
    )
    out.print(
        _line(
            f"the popular mistake, on a random walk: {_percent(mistake['same_bar_accuracy'])} "
            f"scored on its own bars, {_percent(mistake.get('self_removed_accuracy'))} with the "
            f"bar itself removed, {_percent(mistake['point_in_time_accuracy'])} point in time"
        )
    )
    for world in facts["worlds"]:
        right = _outcome(world)
        out.print(Text(f"world {world['name']}: {world['verdict']}, {right}", style="bold"))
        out.print(_line(f"  truth: {world['truth']}; reason: {world.get('reason') or UNKNOWN}"))
        if world.get("study"):
            out.print(_board(world["study"]))
            study = world["study"]
            money, calibration = _money(study.get("backtest")), study.get("calibration")
            show_lines([f"  {_calibration(calibration)}", f"  {money}"])
    if facts.get("seeds", 1) > 1:
        out.print(_line(f"{facts['passed']} of {facts['seeds']} seeds as they should be"))
    out.print(_line(f"{facts['seconds']:.1f} s; report: {facts['report']}"))
    out.print(_line(f"journal: {facts.get('journal') or UNKNOWN} {facts['journal_hash']}"))
    out.print(_line("next: folkmoot prove YOUR.csv --symbol BTC/USDT --timeframe 1h"))


def _outcome(world: dict[str, Any]) -> str:
    if world["correct"]:
        return "as it should be"
    # Too few bars to tell is no wrong answer, though not the expected one.
    return "not powered at this length" if world.get("reason") == "too_short" else "WRONG"


def show_decisions(found: Sequence[dict[str, Any]]) -> None:
    """Print one decision, or several with the errors in their places."""
    for one in found:
        if "error" in one:
            console().print(_line(f"{one['market']}: {one['error']['message']}"))
        else:
            _show_decision(one)


def _show_decision(facts: dict[str, Any]) -> None:
    out = console()
    sure = _percent(facts["confidence"])
    head = f"{facts['symbol']} {facts['timeframe']}: {facts['signal']}"
    out.print(Text(f"{head}, confidence {sure} {_interval(facts['interval'])}", style="bold"))
    # The desk's target repeats the status that the reason has just put into words.
    out.print(_line(facts["reason"].replace(f"; {facts['status']}: nobody may act", "")))
    closed = facts["closed"]
    out.print(_line(f"the last bar closed {closed['at']}, {closed['age']}"))
    show_lines(f"caveat: {text}" for text in facts["caveats"])
    if facts["llm_not_used"]:
        out.print(_line(f"judge: {facts['judge']}, since {facts['llm_not_used']}"))
    beliefs = _table("source", "p up", "weight", "horizon", "why")
    for row in [facts["consensus"], *facts["beliefs"]]:
        cells = _percent(row["p_up"]), _number(row["weight"]), _text(row["horizon"])
        said = "" if row["why"] in facts["reason"] else row["why"]
        beliefs.add_row(_text(row["source"]), *cells, _text(said))
    out.print(beliefs)
    known = _table("evidence", "value", "unit", "percentile")
    for row in facts["evidence"]:
        rank = _percent(row["percentile"])
        known.add_row(_text(row["id"]), _number(row["value"]), _text(row["unit"]), rank)
    out.print(known)
    out.print(_line(f"target weight {_number(facts['target']['weight'])}"))
    for clamp in facts["clamps"]:
        change = f"{_number(clamp['before'])} to {_number(clamp['after'])}"
        out.print(_line(f"limit {clamp['limit']}: {change}"))


def show_models(found: Iterable[dict[str, Any]]) -> None:
    """Print the members with their options."""
    table = _table("id", "kind", "options")
    for row in found:
        table.add_row(_text(row["id"]), _text(row["kind"]), _text(_pairs(row["parameters"])))
    console().print(table)


def show_series(found: Iterable[dict[str, Any]]) -> None:
    """Print what the bar store holds."""
    names = ("symbol", "timeframe", "rows", "first", "last")
    table = _table(*names)
    for row in found:
        table.add_row(*(_text(row[name]) for name in names))
    console().print(table)


def show_lines(lines: Iterable[str]) -> None:
    """Print lines as they are."""
    for line in lines:
        console().print(_line(line))


def show_facts(facts: dict[str, Any]) -> None:
    """Print names and values, one pair a line."""
    show_lines(f"{name}: {_value(value)}" for name, value in facts.items())


def show_doctor(facts: dict[str, Any]) -> None:
    """Print what the machine has, lacks, and how to get it."""
    plain = {k: v for k, v in facts.items() if k not in ("extras", "problems")}
    show_facts(plain)
    for extra in facts["extras"]:
        if extra["missing"]:
            lacks = ", ".join(extra["missing"])
            show_lines([f"extra {extra['name']}: without {lacks}; get: {extra['get']}"])
    show_lines([f"problem: {text}" for text in facts["problems"]] or ["no problems"])


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _line(text: str) -> Text:
    return Text("".join(c if c.isprintable() else " " for c in text))


def _text(value: Any) -> Text:
    return _line(UNKNOWN if value is None else str(value))


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4g}"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{100.0 * value:.1f} %"


def _interval(value: Sequence[float | None] | None) -> str:
    if not value or any(end is None for end in value):
        return ""
    return f"[{', '.join(f'{100.0 * end:.1f}' for end in value if end is not None)}]"


def _pairs(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in facts.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return _pairs(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return f"{value:.4g}"
    return UNKNOWN if value is None else str(value)
