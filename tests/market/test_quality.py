"""The quality report finds what is there and changes nothing."""

from pathlib import Path

import numpy as np
import pytest

from folkmoot.core.bars import COLUMNS, Bars
from folkmoot.core.errors import BadBars
from folkmoot.core.frames import Reading
from folkmoot.core.hashing import canonical_json
from folkmoot.market import check, history, reading, world


def changed(bars: Bars, keep: np.ndarray | None = None, **columns: np.ndarray) -> Bars:
    kept = slice(None) if keep is None else keep
    values = [columns.get(name, bars.column(name))[kept] for name in COLUMNS]
    return Bars(bars.symbol, bars.timeframe, bars.open_time[kept], *values)


def test_a_clean_world_passes_without_findings() -> None:
    bars = world("random_walk", 3000).bars
    report = check(bars)
    assert report.passed
    found = (report.gap_count, report.flat, report.spike_count, report.zero_volume)
    assert found == (0, 0, 0, 0)
    assert (report.scale_jumps, report.volume_jumps, report.hints) == ([], [], [])
    assert report.lines()[-1] == "passed"
    assert canonical_json(report.as_dict()).startswith(b'{"duplicates":null')


def test_gaps_are_counted_and_the_largest_listed() -> None:
    bars = world("random_walk", 3000).bars
    keep = np.delete(np.arange(3000), [5, *range(100, 150), 2000])
    report = check(changed(bars, keep))
    assert (report.gap_count, report.missing_bars) == (3, 52)
    assert ("2020-01-07T06:00:00Z", 50) in report.gaps


def test_an_unadjusted_split_is_found_and_fails() -> None:
    bars = world("random_walk", 3000).bars
    factor = np.where(np.arange(3000) < 1500, 4.0, 1.0)
    split = changed(bars, **{name: bars.column(name) * factor for name in COLUMNS[:4]})
    report = check(split)
    assert not report.passed
    [(at, ratio)] = report.scale_jumps
    assert at == "2020-03-03T12:00:00Z"
    assert ratio == pytest.approx(0.25, rel=1e-6)


def test_a_change_in_the_unit_of_volume_is_found() -> None:
    bars = world("random_walk", 3024).bars
    volume = bars.volume * np.where(np.arange(3024) < 1512, 1.0, 1e3)
    assert len(check(changed(bars, volume=volume)).volume_jumps) == 1


def test_real_series_are_described_as_their_notes_describe_them(shared: Path) -> None:
    folder = shared / "data" / "ohlcv"
    btc = check(history(str(folder / "BTC-USDT_1h.parquet")))
    assert (btc.gap_count, btc.missing_bars, btc.zero_volume, btc.flat) == (27, 122, 3, 3)
    assert max(bars for _, bars in btc.gaps) == 33
    euro = check(history(str(folder / "EUR-USD_1h.parquet")))
    assert (euro.weekend_gaps, euro.gap_count, euro.zero_volume) == (391, 7, None)
    spy = check(history(str(folder / "SPY_1h.parquet")))
    assert "session hours move with summer time, as a local session in UTC does" in spy.time_zone


def test_inconsistent_rows_are_named_or_set_aside_and_reported(shared: Path) -> None:
    path = str(shared / "data" / "ohlcv" / "ES_1d.parquet")
    with pytest.raises(BadBars) as refused:
        history(path, "ES")
    assert len(refused.value.rows) == 10
    for row, reason in refused.value.rows:
        assert f"row {row}: {reason}" in str(refused.value)
    assert "row 2037: 2008-09-19T00:00:00Z: close 1279.31" in str(refused.value)
    found = reading(path, "ES", lenient=True)
    assert (len(found.bars), len(found.refused)) == (5621, 10)
    report = check(found)
    assert not report.passed
    assert sum("refused row" in line for line in report.lines()) == 10


def test_duplicates_are_counted_only_where_the_file_was_seen() -> None:
    bars = world("random_walk", 300).bars
    alone = check(bars)
    assert alone.duplicates is None
    assert not any("duplicates" in line for line in alone.lines())
    assert any("duplicates dropped: 2;" in line for line in check(Reading(bars, [], 2, [])).lines())


@pytest.mark.parametrize(
    ("above", "blank", "line"), [("", "", 12), ("an address\n", "", 13), ("", "\n", None)]
)
def test_a_broken_row_is_named_by_row_and_by_line(
    tmp_path: Path, above: str, blank: str, line: int | None
) -> None:
    rows = world("random_walk", 300).bars.to_frame().to_csv(index=False).splitlines()
    rows[11] = f"{rows[11].split(',')[0]},5,4,3,5,1"
    path = tmp_path / "x.csv"
    path.write_text(f"{above}{rows[0]}\n{blank}" + "\n".join(rows[1:]) + "\n\n")
    found = check(reading(str(path), lenient=True))
    [(row, reason)] = found.refused
    assert row == 10
    assert (None if found.first_line is None else found.first_line + row) == line
    named = "row 10" if line is None else f"row 10 (line {line})"
    assert f"refused {named}: {reason}" in found.lines()


def test_a_file_without_a_header_begins_on_its_first_line(tmp_path: Path) -> None:
    frame = world("random_walk", 300).bars.to_frame()
    frame["timestamp"] = world("random_walk", 300).bars.open_time
    (tmp_path / "x.csv").write_text(frame.to_csv(index=False, header=False))
    assert reading(str(tmp_path / "x.csv")).first_line == 1


def test_the_report_says_what_zone_the_times_are_in(shared: Path) -> None:
    crypto = check(history(str(shared / "data" / "ohlcv" / "BTC-USDT_1h.parquet")))
    assert crypto.time_zone.startswith("UTC; stamps that named no zone were taken as UTC; no sess")
    assert f"time zone: {crypto.time_zone}" in crypto.lines()
