"""Commands that prove and analyse: promised fields, judges, exit codes of bad data."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.app.commands import answer

from folkmoot.app import cli
from folkmoot.core.settings import settings
from folkmoot.market import world

pytestmark = pytest.mark.usefixtures("own_root")

PROVED = ["prove", "world:martingale:0:2000", "--models", "logistic", "--workers", "1"]


def test_a_proof_has_the_promised_fields_a_report_and_no_edge(
    own_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = own_root / "deep" / "report.html"
    code, facts = answer(capfd, *PROVED, "--require-edge", "--report", str(report))
    assert code == 1
    promised = (
        "verdict reasons symbol timeframe bars span horizon members baselines controls backtest "
        "power trials report journal_hash cached seconds"
    )
    assert set(promised.split()) <= set(facts)
    row = {"name", "status", "weight", "n", "accuracy", "accuracy_interval", "log_loss", "brier"}
    assert all(row <= set(one) for one in facts["members"] + facts["baselines"])
    assert facts["verdict"] != "EDGE FOUND"
    assert Path(facts["report"]) == report
    assert "<html" in report.read_text()
    assert cli.run(PROVED) == 0
    told = capfd.readouterr()
    assert f"verdict: {facts['verdict']}" in told.out
    assert "logistic" in told.out
    code, again = answer(capfd, *PROVED)
    assert (code, again["cached"], again["journal_hash"]) == (0, True, facts["journal_hash"])


def test_a_study_says_what_its_present_reading_left_out(
    own_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = world("martingale", n=2_000, seed=0).bars.to_frame().to_csv(index=False).splitlines()
    plain, twice = own_root / "plain.csv", own_root / "twice.csv"
    plain.write_text("\n".join([*lines[:11], *lines[12:]]))
    broken = f"{lines[11].split(',')[0]},5,4,3,5,1"
    twice.write_text("\n".join([*lines[:11], broken, *lines[12:], lines[-1]]))
    words = ["--symbol", "X", "--models", "logistic", "--workers", "1"]
    code, facts = answer(capfd, "prove", str(plain), *words)
    assert (code, facts["reading"]["refused"], facts["reading"]["duplicates"]) == (0, 0, 0)
    assert not any("duplicates" in note or "bad rows" in note for note in facts["notes"])
    code, again = answer(capfd, "prove", str(twice), *words, "--lenient")
    assert (code, again["cached"], again["report"]) == (0, True, facts["report"])
    assert "duplicates dropped: 1" in again["notes"]
    listed = own_root / "root" / "refused" / "X_1h.csv"
    assert f"bad rows set aside: 1, listed in {listed}" in again["notes"]
    assert any(
        note.startswith("1 bad rows left out (counted from 0): row 10 (line 12):")
        for note in again["notes"]
    )
    assert (again["reading"]["refused"], again["reading"]["duplicates"]) == (1, 1)
    assert listed.exists()
    page = Path(again["report"]).read_text()
    assert "duplicates dropped: 1" in page
    assert "row 10 (line 12)" in page
    assert cli.run(["prove", str(twice), *words, "--lenient"]) == 0
    assert "duplicates dropped: 1" in capfd.readouterr().out


def test_reports_of_different_studies_do_not_overwrite_each_other(
    capfd: pytest.CaptureFixture[str],
) -> None:
    short = ["prove", "world:martingale:0:2000", "--models", "logistic", "--workers", "1"]
    one = answer(capfd, *short)[1]
    two = answer(capfd, *short, "--fee", "0")[1]
    key = one["provenance"]["study"][:12]
    assert Path(one["report"]).name == f"WORLD-A_1h_{key}.html"
    assert one["report"] != two["report"]
    assert Path(one["report"]).exists()


def test_a_bare_date_as_the_end_includes_that_day(capfd: pytest.CaptureFixture[str]) -> None:
    short = ["prove", "world:martingale:0:2000", "--models", "logistic", "--workers", "1"]
    code, facts = answer(capfd, *short, "--score-to", "2020-02-15")
    assert code == 0
    assert facts["scored_span"][1] == "2020-02-15T23:00:00Z"


def test_an_analysis_has_the_decision_its_evidence_and_its_judge(
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = ["analyze", "world:martingale:0:2000", "--models", "logistic"]
    code, facts = answer(capfd, *words)
    assert code == 0
    assert list(facts)[:3] == ["signal", "confidence", "reason"]
    assert {"interval", "evidence", "beliefs", "clamps", "consensus", "target"} <= set(facts)
    assert [belief["source"] for belief in facts["beliefs"]] == ["logistic", "rules"]
    assert facts["judge"] == "rules"
    assert cli.run(words) == 0
    assert "HOLD" in capfd.readouterr().out


def test_several_markets_answer_together_and_one_failure_is_exit_code_3(
    csv: str, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["analyze", csv, "world:martingale:0:300", "missing.csv"]
    code, facts = answer(capfd, *words)
    first, second, third = facts["decisions"]
    assert code == 3
    assert (first["status"], second["status"]) == ("warming", "warming")
    assert third["market"] == "missing.csv"
    assert cli.run(words) == 3
    assert "missing.csv" in capfd.readouterr().out


def test_an_analysis_asks_a_server_and_keeps_its_key_to_itself(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from tests.agents.server import answer as opinion
    from tests.agents.server import completion, says, serving

    monkeypatch.setenv("FOLKMOOT_LLM_KEY", "canary-key")
    settings.cache_clear()
    for body, judge in ((completion(opinion()), "llm:phi"), (b"nonsense", "rules")):
        with serving(says(body)) as script:
            words = ["analyze", "world:fast:0:300", "--llm", script.url, "--llm-model", "phi"]
            assert cli.run([*words, "--json"]) == 0
        told = capfd.readouterr()
        assert json.loads(told.out)["judge"] == judge
        assert script.headers[0]["authorization"] == "Bearer canary-key"
        assert "canary" not in told.out + told.err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "timestamp,open,high,low,close,volume\n",
        "timestamp,open,high\n2024-01-01,1,2\n",
        "a|b|c\n1|2|3\n",
        "timestamp,open,high,low,close,volume\nnoon,1,2,1,1,1\n",
        "timestamp,open,high,low,close,volume\n2024-01-02,1,2,1,1,1\n2024-01-01,1,2,1,1,1\n",
        "\x00\x01\x02",
    ],
)
def test_a_file_that_holds_no_bars_is_exit_code_3(
    text: str, own_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (own_root / "bad.csv").write_text(text)
    for command in (["prove"], ["analyze"], ["data", "check"], ["data", "import"]):
        code, facts = answer(capfd, *command, "bad.csv", "--symbol", "X", "--timeframe", "1d")
        assert code == 3, command
        assert facts["error"]["message"]


def test_no_network_is_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def nobody(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    words = ["ccxt:binance", "--symbol", "BTC/USDT", "--timeframe", "1h"]
    for command in (["prove"], ["analyze"], ["data", "check"]):
        code, facts = answer(capfd, *command, *words)
        assert (code, facts["error"]["type"]) == (3, "Unreachable"), command
