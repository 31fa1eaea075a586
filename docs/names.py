"""Write docs/names.md from names.toml: what computes an indicator known by another library's name.

python docs/names.py            write the page
python docs/names.py --check    exit 1 if the page would change
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PAGE = FOLDER / "names.md"
RIVAL = "pandas-ta-classic 0.8.32"


def main() -> int:
    """Write the page, or say that it is stale, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    wanted = parser.parse_args()
    text = page()
    stale = not PAGE.exists() or PAGE.read_text() != text
    if stale:
        sys.stdout.write(f"docs/{PAGE.name} {'is stale' if wanted.check else 'written'}\n")
        if not wanted.check:
            PAGE.write_text(text)
    return int(wanted.check and stale)


def table() -> dict[str, Any]:
    """Return names.toml: `pandas-ta` by its categories, `notes`, and `own` by TA-Lib's names."""
    return tomllib.loads((FOLDER / "names.toml").read_text())


def talib_groups() -> dict[str, dict[str, str]]:
    """Return, by TA-Lib's groups, what calls each of its functions; the first output of several."""
    import talib
    from talib import abstract

    groups: dict[str, dict[str, str]] = {}
    for group, functions in talib.get_function_groups().items():
        for name in functions:
            outputs = abstract.Function(name).info["output_names"]  # type: ignore[attr-defined]  # not in its stub
            chosen = f', output="{outputs[0]}"' if len(outputs) > 1 else ""
            pattern = f'candle("{name[3:].lower()}")' if name.startswith("CDL") else ""
            groups.setdefault(group, {})[name] = pattern or f'ta("{name}"{chosen})'
    return groups


def page() -> str:
    """Return the page as Markdown."""
    written = table()
    return "\n".join((*_opening(written), *_pandas_ta(written), *_talib(written), ""))


def _opening(written: dict[str, Any]) -> Iterator[str]:
    known = [text for group in written["pandas-ta"].values() for text in group.values()]
    found = sum(bool(text) for text in known)
    yield "# Indicators by the names of other libraries"
    yield ""
    yield "Written by `python docs/names.py` from `names.toml`. What stands in the middle is Python"
    yield "over the names of `folkmoot.causal`, `folkmoot.indicators` and `math`; all of it reads"
    yield "closed bars only and streams as it batches. Some return several lines, a `dict` by name."
    yield ""
    yield f"Of {len(known)} indicators of pandas-ta {found} are here, {len(known) - found} absent."


def _pandas_ta(written: dict[str, Any]) -> Iterator[str]:
    notes = written["notes"]
    yield ""
    yield "## pandas-ta"
    yield ""
    yield "The parameters are the defaults there. Where nothing is noted the values are the same as"
    yield f"those of {RIVAL} within a millionth of the largest, measured on the second half of"
    yield "2,400 hourly bars of BTC-USDT; before that the two may begin in different ways."
    for group, indicators in written["pandas-ta"].items():
        yield from _head(group.capitalize(), "pandas-ta", "note")
        for name, text in indicators.items():
            yield _row(name, text, notes.get(name, "")) if text else f"| `{name}` | absent | |"


def _talib(written: dict[str, Any]) -> Iterator[str]:
    own = written["own"]
    yield ""
    yield "## TA-Lib"
    yield ""
    yield "`ta` yields TA-Lib's own value on every bar; so does `candle`, without a call of TA-Lib."
    yield "Our own form, where there is one, is compiled with the rest of a formula; it follows"
    yield "TradingView's definition, and may begin in another way or be in another unit."
    for group, functions in talib_groups().items():
        yield from _head(group, "TA-Lib", "our own form")
        for name, text in functions.items():
            yield _row(name, text, f"`{own[name]}`" if name in own else "")


def _head(title: str, library: str, last: str) -> Iterator[str]:
    yield from ("", f"### {title}", "", f"| {library} | here | {last} |", "| --- | --- | --- |")


def _row(name: str, text: str, last: str) -> str:
    return f"| `{name}` | `{text}` | {last} |" if last else f"| `{name}` | `{text}` | |"


if __name__ == "__main__":
    sys.exit(main())
