"""Write docs/oracles.md: every function beside what others compute, with the largest error.

python -m docs.oracles            measure and write the page
python -m docs.oracles --check    measure; exit 1 if a number differs, write nothing
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.indicators.oracles import STREAMED, Finding, every_finding, without_oracle

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "oracles.md"
REFUSALS = "test_refusals.py"
SECTIONS = {
    "TradingView's exports": ("TradingView",),
    "Golden values and pyts": ("golden", "pyts"),
    "Stock.Indicators": ("Stock.Indicators",),
    "ChartSchool": ("ChartSchool",),
    "Tulip Indicators": ("Tulip",),
    "TA-Lib": ("TA-Lib",),
    "Written again": ("written again", "composed of"),
}


def main() -> int:
    """Measure everything and return 1 if anything differs."""
    found = every_finding()
    wrong = [finding for finding in found if not (finding.agrees and finding.streams)]
    for finding in wrong:
        sys.stdout.write(f"{finding.function} differs from {finding.reference}: {finding.error}\n")
    if "--check" not in sys.argv[1:]:
        PAGE.write_text("\n".join(lines(found)) + "\n")
    return int(bool(wrong))


def lines(found: list[Finding]) -> Iterator[str]:
    """Yield the page."""
    agreeing = sum(finding.agrees for finding in found)
    streaming = sum(finding.streams for finding in found)
    yield "# What the indicators are held against"
    yield ""
    yield "Written by `python -m docs.oracles`, which measures it. The error is the largest"
    yield "|ours - theirs| / max(1, |theirs|) over the bars compared; a bar that only one"
    yield "knows, between the reference's first and last, would be a difference unless the remark"
    yield "says which bars are left out; where the reference begins later the remark says so."
    yield f"{agreeing} of {len(found)} comparisons agree; in {streaming} of them our stream"
    yield f"gives the bits of our batch, tried on {STREAMED} bars."
    for title, starts in SECTIONS.items():
        rows = folded([finding for finding in found if finding.reference.startswith(starts)])
        yield from ("", f"## {title}", "")
        yield "| function | reference | bars | largest error | tolerance | verdict | remark |"
        yield "|---|---|---|---|---|---|---|"
        yield from map(row, rows)
    yield from ownership(found)


def folded(found: list[Finding]) -> list[Finding]:
    """Return the worst finding of every function and reference, in order."""
    worst: dict[tuple[str, str], Finding] = {}
    for finding in found:
        key = finding.function, finding.reference
        if key not in worst or finding.error > worst[key].error:
            worst[key] = finding
    return list(worst.values())


def row(finding: Finding) -> str:
    """Return one line of a table."""
    verdict = "agrees" if finding.agrees else "**DIFFERS**"
    error = f"{finding.error:.0e}" if finding.error else "0"
    tolerance = f"{finding.tolerance:.0e}" if finding.tolerance else "0"
    cells = (f"`{finding.function}`", finding.reference, str(finding.bars), error, tolerance)
    return f"| {' | '.join((*cells, verdict, finding.note))} |"


def ownership(found: list[Finding]) -> Iterator[str]:
    """Yield the indicators that nobody outside computes, with the tests that hold them."""
    yield from ("", "## Without an outside oracle", "")
    yield "Nobody publishes numbers for these; the laws of every indicator hold them, and these"
    yield "files. There is no export of VuManChu's scripts: money flow (`rsimfi`), waves, circles"
    yield "and divergences have golden values and events above, gold dots and flags none at all."
    yield ""
    yield "| function | reference | held by |"
    yield "|---|---|---|"
    for name in without_oracle(found):
        yield f"| `{name}` | no outside oracle | {', '.join(tests_of(name)) or 'the laws alone'} |"


def tests_of(name: str) -> list[str]:
    """Return the test files of the indicators that name it, but for what they refuse."""
    files = sorted((ROOT / "tests" / "indicators").glob("test_*.py"))
    held = [path for path in files if name in path.read_text() and path.name != REFUSALS]
    return [f"`{path.name}`" for path in held]


if __name__ == "__main__":
    sys.exit(main())
