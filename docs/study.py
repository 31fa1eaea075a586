"""The page of the study, made of what `make study` and the benchmarks left behind."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
OPENING = """# The study of the members

Every figure on this page comes from a file in `benchmarks/results`. `make study` computes what is
missing of them and resumes where it was stopped. No figure is a promise: the market of the study is
one market, and its best members do not pay for their costs (see [verdict.md](verdict.md)).
"""
CONSENSUS = "consensus"
BASELINES = {
    "base_rate": "an EWMA volatility of fixed decay .97 times empirical quantiles (`base_rate`)",
    "ewma": "the member `ewma`: empirical quantiles times an EWMA volatility, its decay chosen"
    " among .90, .94, .97 and .985 on the training rows",
}
"""What the quantiles were compared with, in words, by the name that the result gives it."""
RIVALS = ("garch", "har_rv")


def page(results: Path = RESULTS) -> str:
    """Return the page in Markdown."""
    parts = [OPENING, bitcoin(results), memory(results), arms(results), card(results)]
    return "\n".join(part for part in parts if part)


def bitcoin(results: Path) -> str:
    """Return the tables of hourly Bitcoin, one a horizon."""
    file = results / "study.json"
    if not file.exists():
        return ""
    found = json.loads(file.read_text())
    baseline = found.get("quantile_baseline", "base_rate")
    text = [
        "## Hourly Bitcoin\n",
        f"{found['bars']:,} bars from {found['from'][:10]} to {found['to'][:10]}, feature set"
        f" `{found['features']}`, six blocks of which five are scored; {found['machine']}."
        " Members were fitted once a block for all horizons. Intervals are 95 %, with overlapping"
        " labels taken into account; `z` compares log loss with the best reference, `quantile z`"
        f" the pinball loss with that of {BASELINES[baseline]}; above 0 is better. `{CONSENSUS}` is"
        " the ensemble.\n",
    ]
    for horizon, table in sorted(found["horizons"].items(), key=lambda item: int(item[0])):
        text += [*_horizon(horizon, table, found["seconds"]), ""]
    text += _ensemble(found["horizons"], baseline)
    return "\n".join(text)


def _horizon(horizon: str, table: dict[str, Any], seconds: dict[str, list[float]]) -> list[str]:
    bars = "1 bar" if horizon == "1" else f"{horizon} bars"
    rows = sorted(table["rows"].items(), key=lambda item: item[1]["log_loss"][0])
    n = next(iter(table["rows"].values()))["n"]
    lines = [
        f"### {bars} ahead, {n:,} rows, best reference `{table['best_reference']}`\n",
        "| member | log loss | z | Brier | accuracy | by size | gross bp | pinball bp |"
        " quantile z | 90 % band holds | seconds |",
        f"|---|{'---:|' * 10}",
    ]
    return [*lines, *(_row(name, row, seconds.get(name)) for name, row in rows)]


def _ensemble(tables: dict[str, Any], baseline: str) -> list[str]:
    """Return how the ensemble's quantiles compare with the baseline's and with its rivals'."""
    first = next(iter(tables.values()))["rows"][CONSENSUS]
    fields = {baseline: "pinball_gain"}
    fields |= {name: f"pinball_gain_{name}" for name in RIVALS if f"pinball_gain_{name}" in first}
    lines = [
        "### The ensemble's quantiles\n",
        "Pinball loss of the reference less the ensemble's, in basis points (below 0 the reference"
        " is better), with z and the one-sided p.\n",
        f"| bars ahead | {' | '.join(f'over `{name}`' for name in fields)} |",
        f"|---|{'---:|' * len(fields)}",
    ]
    for horizon in sorted(tables, key=int):
        row = tables[horizon]["rows"][CONSENSUS]
        cells = [_gain(row[field]) for field in fields.values()]
        lines.append(f"| {horizon} | {' | '.join(cells)} |")
    return [*lines, ""]


def _gain(test: dict[str, float]) -> str:
    return f"{test['mean']:.3f} (z {test['z']:.1f}, p {test['p']:.2g})"


def _row(name: str, row: dict[str, Any], seconds: list[float] | None) -> str:
    shown = f"**{name}**" if name == CONSENSUS else f"`{name}`"
    cells = [
        shown,
        _interval(row["log_loss"], 5),
        f"{row['gain']['z']:.1f}",
        f"{row['brier'][0]:.5f}",
        _interval([100 * part for part in row["accuracy"]], 2, " %"),
        f"{100 * row['weighted_accuracy']:.1f} %",
        _interval(row["gross_bp"], 2),
        f"{row['pinball_bp'][0]:.2f}",
        f"{row['pinball_gain']['z']:.1f}",
        f"{100 * row['coverage_90']:.1f} %",
        f"{sum(seconds):.0f}" if seconds else "",
    ]
    return f"| {' | '.join(cells)} |"


def _interval(three: list[float], digits: int, unit: str = "") -> str:
    middle, low, high = (f"{part:.{digits}f}" for part in three)
    return f"{middle}{unit} [{low}, {high}]"


def memory(results: Path) -> str:
    """Return who finds the rule of world M, by member and number of bars."""
    lines = _newest(_lines(results / "memory.jsonl"))
    if not lines:
        return ""
    cells: dict[str, dict[int, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        cells[line["member"]][line["bars"]].append(line)
    sizes = sorted({line["bars"] for line in lines})
    text = [
        "## A world with a memory\n",
        "The next bar repeats, with probability 0.55, the sign of the last 20 bars' sum."
        " Accuracy on 20,000 later bars, mean of the seeds, with the z of each seed; 55 % is the"
        " most there is.\n",
        f"| member | {' | '.join(f'{size:,} bars' for size in sizes)} | seconds at most |",
        f"|---|{'---:|' * len(sizes)}---:|",
    ]
    for member in sorted(cells):
        row = [_cell(cells[member].get(size, [])) for size in sizes]
        most = max(line["seconds"] for lines in cells[member].values() for line in lines)
        text.append(f"| `{member}` | {' | '.join(row)} | {most:.0f} |")
    return "\n".join([*text, ""])


def _newest(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each fit once, and of each member only what has the key of its last line.

    What was measured with other code, another plan or on another device is no part of one average.
    """
    keys = {line["member"]: line.get("key") for line in lines}
    same = [line for line in lines if line.get("key") == keys[line["member"]]]
    return list({(line["member"], line["bars"], line["seed"]): line for line in same}.values())


def _cell(lines: list[dict[str, Any]]) -> str:
    if not lines:
        return ""
    mean = sum(line["accuracy"] for line in lines) / len(lines)
    each = ", ".join(f"{line['z']:.1f}" for line in sorted(lines, key=lambda line: line["seed"]))
    return f"{100 * mean:.2f} % (z {each})"


def arms(results: Path) -> str:
    """Return what Engram's memory adds, arm against arm."""
    lines = _lines(results / "engram.jsonl")
    if not lines:
        return ""
    text = [
        "## What Engram's memory adds\n",
        "Gain in log loss of the arm with memory over the same backbone without it (equal compute)"
        " and over a wider one (equal parameters), in nats a bar, with its one-sided 95 % bound.\n",
        "| world | seed | against | gain | bound |",
        "|---|---:|---|---:|---:|",
    ]
    text += [
        f"| {line['world']} | {line['seed']} | {line['against']} | {line['gain']:.5f}"
        f" | {line['bound']:.5f} |"
        for line in lines
        if "gain" in line
    ]
    return "\n".join([*text, ""])


def card(results: Path) -> str:
    """Return how fast each network learns on a CUDA card."""
    lines = _lines(results / "card.jsonl")
    steps = [line for line in lines if line["bench"] == "card"]
    if not steps:
        return ""
    limit = next(line for line in lines if line["bench"] == "limit")
    error = {line["member"]: line["error"] for line in lines if line["bench"] == "losses"}
    speeds: dict[str, dict[tuple[int, str], dict[str, Any]]] = defaultdict(dict)
    for line in steps:
        speeds[line["member"]][line["batch"], line["precision"]] = line
    asked = sorted({(line["batch"], line["precision"]) for line in steps})
    text = [
        "## On a card\n",
        f"Samples a second of whole training steps on one {limit['device']}, where a product of"
        f" large matrices reaches {limit['tflops_32']} TFLOP/s in float32 and"
        f" {limit['tflops_bf16']} in bf16; windows of 60 bars x 64 columns, four horizons. In"
        " brackets the share of that limit, where torch counts the operations: it does not count"
        " those of fused LSTM and GRU layers. `difference`: the largest of ten steps' losses from"
        " the processor's; where a network drops whole channels, that noise is in it.\n",
        f"| network | {' | '.join(f'{size}, {kind}' for size, kind in asked)} | difference |",
        f"|---|{'---:|' * len(asked)}---:|",
    ]
    for member in sorted(speeds):
        row = [_speed(speeds[member].get(place)) for place in asked]
        text.append(f"| `{member}` | {' | '.join(row)} | {error.get(member, float('nan')):.1e} |")
    return "\n".join([*text, ""])


def _speed(line: dict[str, Any] | None) -> str:
    if line is None:
        return ""
    share = f" ({100 * line['share']:.1f} %)" if line["share"] >= 0.001 else ""
    return f"{line['samples_per_second']:,}{share}"


def _lines(file: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a file; a kill may have left a part of one at its end."""
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
