"""`folkmoot data check` knows the hours of a venue, and reads recorded messages."""

from pathlib import Path

import pytest
from tests.app.commands import answer

from folkmoot.app import cli


def test_closures_of_the_venue_are_told_from_missing_bars(
    shared: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = str(shared / "data" / "ohlcv" / "SPX_1d.parquet")
    code, facts = answer(capfd, "data", "check", path, "--venue", "nyse")
    assert (code, facts["venue"], facts["gap_count"], facts["outside_hours"]) == (0, "nyse", 0, 0)
    assert facts["scheduled_gaps"] > 1_000
    assert cli.run(["data", "check", path, "--venue", "moon"]) == 2
    assert "allowed: crypto, nyse, cme_es, fx" in capfd.readouterr().err


def test_a_recording_is_checked_like_any_bars(
    shared: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = shared / "data" / "microstructure" / "binance_spot_ethusdt_20240808.ws.gz"
    code, facts = answer(capfd, "data", "check", f"recording:{path}")
    assert (code, facts["symbol"], facts["rows"]) == (0, "ETHUSDT", 4)
