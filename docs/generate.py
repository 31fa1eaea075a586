"""Write every figure and every option in the documentation from what computed or declares it.

python docs/generate.py                      fill README.md between its markers, write docs/cli.md
                                             docs/features.md and docs/study.md
python docs/generate.py --check              exit 1 and name the files that would change
python docs/generate.py --keep NAME < JSON   keep a command's --json answer as a result file
python docs/generate.py --site FOLDER        write the pages as HTML
"""

import argparse
import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from folkmoot.features.catalogue import page
from folkmoot.proof.report.numbers import count, decimal, interval, percent

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
# What a person's machine adds to a result, and the series behind its charts.
PASSING = frozenset({"cached", "charts", "journal", "report", "seconds", "studies"})
WAYS = {
    "same_bar": "itself among its neighbours",
    "self_removed": "itself removed, labels from the future",
    "point_in_time": "point in time",
}


def main() -> int:
    """Run what the arguments ask for and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", metavar="NAME")
    parser.add_argument("--site", type=Path, metavar="FOLDER")
    wanted = parser.parse_args()
    if wanted.keep:
        keep(wanted.keep, json.load(sys.stdin))
        return 0
    if wanted.site:
        write_site(wanted.site)
        return 0
    stale = [
        path for path, text in pages().items() if not path.exists() or path.read_text() != text
    ]
    for path in stale:
        sys.stdout.write(f"{path.relative_to(ROOT)} {'is stale' if wanted.check else 'written'}\n")
        if not wanted.check:
            path.write_text(pages()[path])
    return int(wanted.check and bool(stale))


def keep(name: str, answer: Any) -> None:
    """Write an answer to docs/results without series, paths and seconds."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(lasting(answer), indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(f"{text}\n")


def lasting(value: Any, passing: frozenset[str] = PASSING) -> Any:
    """Return the value without what another machine would give differently.

    Of the runs on further seeds only the verdicts last, not their studies.
    """
    if isinstance(value, dict):
        return {
            key: lasting(item, passing | {"study"} if key == "runs" else passing)
            for key, item in value.items()
            if key not in passing
        }
    return [lasting(item, passing) for item in value] if isinstance(value, list) else value


def pages() -> dict[Path, str]:
    """Return the text that each generated page should have."""
    readme = ROOT / "README.md"
    text = readme.read_text()
    for name, lines in (("demo", demo_lines()), ("study", study_lines())):
        text = filled(text, name, "\n".join(lines))
    return {
        readme: text,
        ROOT / "docs" / "cli.md": "\n".join(cli_lines()) + "\n",
        ROOT / "docs" / "features.md": "\n".join(page("1h")) + "\n",
        ROOT / "docs" / "study.md": runpy.run_path(str(ROOT / "docs" / "study.py"))["page"](),
    }


def filled(text: str, name: str, content: str) -> str:
    """Return the text with `content` between the markers of that name."""
    opening, closing = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    before, rest = text.split(opening)
    _, after = rest.split(closing)
    return f"{before}{opening}\n{content}\n{closing}{after}"


def result(name: str) -> dict[str, Any]:
    """Return a result file, or nothing if it has not been made."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        cells = [" ".join(cell.split()).replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"


def demo_lines() -> Iterator[str]:
    """Yield what the demo found: its seeds, the popular mistake, the worlds of the first seed."""
    demo = result("demo")
    if not demo:
        yield "No result of the demo is kept in this version; `make demo` computes the figures."
        return
    mistake = demo["popular_mistake"]
    scores = [
        (said, spread(mistake.get(f"{way}_accuracy"), mistake.get(f"{way}_interval")))
        for way, said in WAYS.items()
    ]
    runs = demo.get("runs") or [demo]
    right = sum(all(world["correct"] for world in run["worlds"]) for run in runs)
    yield "One classifier on a random walk, where nothing can be predicted, scored in three ways:"
    yield ""
    yield from table(("way to keep score", "accuracy"), scores)
    yield ""
    yield f"Three worlds of known truth; every verdict right in {right} of {len(runs)} seeds:"
    yield ""
    head = ("world", "truth", "verdict", "consensus accuracy", "net Sharpe ratio")
    yield from table(head, [world_row(world) for world in demo["worlds"]])


def world_row(world: dict[str, Any]) -> tuple[str, ...]:
    """Return one world's line."""
    study = world.get("study") or {}
    return (
        str(world["name"]),
        str(world["truth"]),
        f"**{world['verdict']}**",
        accuracy(row_of(study, "consensus")),
        sharpe(study),
    )


def study_lines() -> Iterator[str]:
    """Yield a table with a line for every kept study of real data."""
    studies = [result(path.stem) for path in sorted(RESULTS.glob("prove-*.json"))]
    if not studies:
        yield "No result file of a study is kept in this version; `folkmoot prove` computes one."
        return
    head = (
        "series",
        "scored bars",
        "verdict",
        "consensus accuracy",
        "best baseline",
        "size-weighted",
        "gross bp a bar",
        "net Sharpe ratio",
    )
    yield from table(head, [study_row(study) for study in studies])


def study_row(study: dict[str, Any]) -> tuple[str, ...]:
    """Return one study's line."""
    consensus = row_of(study, "consensus")
    best = max(study["baselines"], key=lambda row: row.get("accuracy") or 0.0)
    return (
        f"{study['symbol']} {study['timeframe']}",
        count(consensus.get("n")),
        f"**{study['verdict']}** `{study['reason']}`",
        accuracy(consensus),
        f"{best['name']} {accuracy(best)}",
        percent(consensus.get("weighted_accuracy")),
        decimal(consensus.get("gross_bp"), 2, sign=True),
        sharpe(study),
    )


def row_of(study: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the leaderboard's row of that name, or an empty one."""
    rows = [*(study.get("members") or []), {"name": "consensus", **(study.get("consensus") or {})}]
    return next((row for row in rows if row["name"] == name), {})


def accuracy(row: dict[str, Any]) -> str:
    """Return an accuracy with its interval."""
    return spread(row.get("accuracy"), row.get("accuracy_interval"))


def sharpe(study: dict[str, Any]) -> str:
    """Return the net Sharpe ratio with its interval."""
    backtest = study.get("backtest") or {}
    return f"{decimal(backtest.get('sharpe'))} {interval(backtest.get('sharpe_interval'))}"


def spread(value: Any, pair: Any) -> str:
    """Return a share with its interval."""
    return f"{percent(value)} {interval(pair, percent)}"


def cli_lines() -> Iterator[str]:
    """Yield docs/cli.md from the commands as they declare themselves."""
    from typer.main import get_command

    from folkmoot.app.cli import app

    yield "# Command line"
    yield ""
    yield "Written by `docs/generate.py` from the commands themselves. Progress goes to stderr."
    yield "Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 a data or environment error;"
    yield "70 a bug, with its traceback, 130 interrupted, 141 the reader of a pipe has gone."
    yield from command_lines("folkmoot", get_command(app))


def command_lines(name: str, command: Any) -> Iterator[str]:
    """Yield a command's section, then those of its subcommands."""
    children = getattr(command, "commands", {})
    if not children:
        said = re.sub(r"\s*\n\s*", "\n", (command.help or "").strip())
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join([name, *(p.name.upper() for p in arguments)])
        yield from ("", f"## {usage}", "", said)
        rows = [
            (f"`{', '.join(p.opts)}`", p.help or "", default(p.default))
            for p in command.params
            if p.param_type_name == "option" and p.name != "help"
        ]
        if rows:
            yield ""
            yield from table(("option", "meaning", "default"), rows)
    for child in children:
        yield from command_lines(f"{name} {child}", children[child])


def default(value: Any) -> str:
    """Return an option's default as text; none if it has none."""
    return f"`{value}`" if isinstance(value, str | int | float) and value is not False else ""


def write_site(folder: Path) -> None:
    """Write every page of docs as HTML with links to the others."""
    from markdown_it import MarkdownIt

    from folkmoot.proof.report.markup import Html, node
    from folkmoot.proof.report.page import document

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    for path in sorted((ROOT / "docs").rglob("*.md")):
        target = folder / path.relative_to(ROOT / "docs").with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text()
        body = re.sub(r'href="([\w./-]+)\.md"', r'href="\1.html"', reader.render(text))
        body = body.replace("<table>", '<div class="scroll prose"><table>')
        body = body.replace("</table>", "</table></div>")
        title = text.splitlines()[0].lstrip("# ")
        target.write_text(document(title, node("article", Html(body))))
    sys.stdout.write(f"pages written to {folder}\n")


if __name__ == "__main__":
    sys.exit(main())
