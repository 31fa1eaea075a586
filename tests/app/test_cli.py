"""The command line: exit codes, one document on stdout, errors by name."""

import errno
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.app.commands import answer

from folkmoot.app import cli
from folkmoot.core.extras import get_extra
from folkmoot.core.settings import settings

COMMANDS = [
    ["demo"],
    ["prove"],
    ["analyze"],
    ["data", "import"],
    ["data", "list"],
    ["data", "check"],
    ["models"],
    ["doctor"],
    ["serve"],
]
pytestmark = pytest.mark.usefixtures("own_root")
FOLKMOOT = str(Path(sys.executable).with_name("folkmoot"))


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help_and_json(words: list[str]) -> None:
    done = subprocess.run([FOLKMOOT, *words, "--help"], capture_output=True, text=True, check=True)
    assert "--json" in done.stdout


def test_help_takes_under_half_a_second() -> None:
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([FOLKMOOT, "--help"], capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.5


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys; from folkmoot.app.cli import run; run(['--help']); "
        "heavy = {'numpy', 'pandas', 'numba', 'pydantic', 'httpx', 'fastapi', 'sklearn'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["prove"],
        ["prove", "x.csv", "--horizon", "0"],
        ["prove", "x.csv", "--colour", "red"],
        ["data"],
        ["data", "burn"],
        ["analyze", "a", "b", "--symbol", "c"],
        ["prove", "walk.csv", "--models", "crystal_ball"],
        ["prove", "walk.csv", "--source", "rumour"],
        ["prove", "walk.csv", "--fee", "10"],
        ["prove", "walk.csv", "--score-from", "yesterday"],
        ["prove", "walk.csv", "--timeframe", "7h"],
        ["serve", "--host", "192.0.2.1"],
        ["analyze", "walk.csv", "--llm", "http://169.254.169.254/v1", "--llm-model", "m"],
        ["analyze", "walk.csv", "--llm", "http://127.0.0.1/v1"],
    ],
)
def test_wrong_use_is_exit_code_2_in_words_and_in_json(
    words: list[str], csv: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(words) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err
    code, facts = answer(capfd, *words)
    assert code == 2
    assert set(facts["error"]) == {"type", "message", "where", "allowed"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["prove", "missing.csv"], "missing.csv"),
        (["data", "check", "missing.parquet"], "missing.parquet"),
        (["analyze", "BTC"], "BTC"),
    ],
)
def test_data_that_is_not_there_is_exit_code_3(
    words: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, facts = answer(capfd, *words)
    assert code == 3
    assert told in json.dumps(facts)
    assert cli.run(words) == 3
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_symbol_that_is_not_stored_lists_those_that_are(
    csv: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, facts = answer(capfd, "prove", "NOSYM")
    assert (code, facts["error"]["type"]) == (3, "UnknownSymbol")
    assert "the bar store is empty" in facts["error"]["allowed"]
    for symbol in ("ZEN/USDT", "BTC/USDT"):
        answer(capfd, "data", "import", csv, "--symbol", symbol)
    code, facts = answer(capfd, "prove", "NOSYM")
    assert (code, sorted(facts["error"]["allowed"])) == (3, ["BTC/USDT", "ZEN/USDT"])


def test_bars_are_imported_once_and_listed(csv: str, capfd: pytest.CaptureFixture[str]) -> None:
    code, facts = answer(capfd, "data", "import", csv, "--symbol", "BTC/USDT")
    assert (code, facts["new"], facts["duplicates"], facts["timeframe"]) == (0, 300, 0, "1h")
    assert answer(capfd, "data", "import", csv, "--symbol", "BTC/USDT")[1]["new"] == 0
    code, facts = answer(capfd, "data", "list")
    assert code == 0
    assert [(one["symbol"], one["rows"]) for one in facts["series"]] == [("BTC/USDT", 300)]
    assert cli.run(["data", "list"]) == 0
    assert "BTC/USDT" in capfd.readouterr().out


def test_bad_rows_are_refused_or_set_aside_in_a_file(
    csv: str, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = Path(csv).read_text().splitlines()
    stamp = lines[11].split(",")[0]
    lines[11] = f"{stamp},-1,2,1,1.5,3"
    Path(csv).write_text("\n".join(lines) + "\n")
    assert answer(capfd, "data", "import", csv, "--symbol", "X")[0] == 3
    code, facts = answer(capfd, "data", "import", csv, "--symbol", "X", "--lenient")
    assert (code, facts["new"], facts["refused"]) == (0, 299, 1)
    assert Path(facts["refused_file"]).read_text().splitlines()[1].startswith("10,")
    assert answer(capfd, "data", "check", csv, "--symbol", "X", "--lenient")[0] == 1


def test_a_check_reports_broken_rows_without_being_asked_to_be_lenient(
    csv: str, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = Path(csv).read_text().splitlines()
    lines[11] = f"{lines[11].split(',')[0]},5,4,3,5,1"
    Path(csv).write_text("\n".join(lines) + "\n")
    code, facts = answer(capfd, "data", "check", csv, "--symbol", "X")
    assert (code, facts["passed"], facts["rows"], facts["first_line"]) == (1, False, 299, 2)
    [(row, reason)] = facts["refused"]
    assert row == 10
    assert cli.run(["data", "check", csv, "--symbol", "X"]) == 1
    told = capfd.readouterr().out
    assert f"refused row 10 (line 12): {reason}" in told
    assert "time zone: UTC" in told


def test_a_clean_file_passes_the_check(csv: str, capfd: pytest.CaptureFixture[str]) -> None:
    code, facts = answer(capfd, "data", "check", csv, "--symbol", "X")
    assert (code, facts["passed"], facts["rows"]) == (0, True, 300)
    assert cli.run(["data", "check", csv, "--symbol", "X"]) == 0


def test_models_are_listed_with_options(capfd: pytest.CaptureFixture[str]) -> None:
    code, facts = answer(capfd, "models")
    known = {model["id"]: model for model in facts["models"]}
    assert code == 0
    assert {"logistic", "lightgbm", "lorentzian", "ensemble"} <= set(known)
    assert known["base_rate"]["kind"] == "baseline"
    assert all(model["status"] == "untrained" for model in facts["models"])
    assert cli.run(["models"]) == 0


def pinned(package: str) -> str:
    lines = (Path(__file__).parents[2] / "constraints.txt").read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{package}=="))


def test_an_extra_is_got_with_the_tested_versions_in_a_checkout(tmp_path: Path) -> None:
    assert get_extra("neural", tmp_path) == "pip install 'folkmoot[neural]'"
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    said = ".venv/bin/python -m pip install -c constraints.txt -e '.[neural]'"
    assert get_extra("neural", tmp_path) == said


def test_doctor_says_what_is_missing_and_how_to_get_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code, facts = answer(capfd, "doctor")
    assert (code, facts["problems"]) == (0, [])
    assert facts["numba_cache"]["state"] in ("warm", "cold")
    assert facts["sandbox"]["level"].startswith("none")
    assert facts["torch"]["version"] or "pip install" in facts["torch"]["get"]
    if facts["torch"]["get"]:
        assert "CPU build" in facts["torch"]["get"]
        assert f"torch=={pinned('torch')}" in facts["torch"]["get"]
    assert "http" not in json.dumps(facts["torch"]) + json.dumps(facts["extras"])
    assert facts["data_root"]["writable"] is True
    assert cli.run(["doctor"]) == 0


def test_doctor_fails_where_nothing_can_be_written(
    own_root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (own_root / "file").write_text("")
    monkeypatch.setenv("FOLKMOOT_DATA_ROOT", str(own_root / "file" / "below"))
    settings.cache_clear()
    code, facts = answer(capfd, "doctor")
    assert code == 3
    assert "cannot write" in facts["problems"][0]


def test_the_example_settings_can_be_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--env-example"]) == 0
    assert capfd.readouterr().out.startswith("# Copy to .env")


def test_a_bad_setting_is_wrong_use_and_a_foreign_one_a_warning_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLLAMA_MODEL", "phi")
    settings.cache_clear()
    assert cli.run(["data", "list", "--json"]) == 0
    told = capfd.readouterr()
    assert json.loads(told.out) == {"series": []}
    assert json.loads(told.err.splitlines()[0])["name"] == "OLLAMA_MODEL"
    monkeypatch.setenv("FOLKMOOT_NONSENSE", "1")
    settings.cache_clear()
    assert answer(capfd, "data", "list")[0] == 2


@pytest.mark.parametrize(
    ("raised", "where"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/full/disk"), "/full/disk"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x"), "x"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "x"), "x"),
        (TimeoutError(), None),
        (MemoryError(), None),
        (MemoryError("Unable to allocate 8.00 EiB"), None),
    ],
)
def test_what_the_machine_refuses_is_exit_code_3(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    raised: OSError | MemoryError,
    where: str | None,
) -> None:
    def refused(**_: Any) -> None:
        raise raised

    monkeypatch.setattr(cli, "app", refused)
    code, facts = answer(capfd, "models")
    assert (code, facts["error"]["type"]) == (3, "EnvironmentProblem")
    assert facts["error"]["where"] == where
    assert facts["error"]["message"]


def test_a_bug_shows_its_traceback_and_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 70
    assert "ZeroDivisionError: a bug" in capfd.readouterr().err


@pytest.mark.parametrize("path", [".", "file/below.html", "walk.csv/deep/x.html"])
def test_a_report_that_cannot_be_written_is_said_before_proving(
    csv: str, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    Path("file").write_text("")
    code, facts = answer(capfd, "prove", "nowhere.csv", "--report", path)
    assert (code, facts["error"]["type"]) == (3, "EnvironmentProblem")
    assert facts["error"]["where"] == path


def test_a_folder_in_place_of_a_file_is_exit_code_3(
    own_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (own_root / "bars.csv").mkdir()
    for command in (["prove"], ["analyze"], ["data", "check"], ["data", "import"]):
        code, facts = answer(capfd, *command, "bars.csv", "--symbol", "X", "--timeframe", "1h")
        assert (code, bool(facts["error"]["message"])) == (3, True), command


def test_a_reader_that_has_gone_is_no_error() -> None:
    with subprocess.Popen(
        [FOLKMOOT, "models", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 141


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capfd.readouterr().out.strip()


def _serving(csv: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    served = subprocess.Popen(
        [FOLKMOOT, "serve", "--data", csv, "--symbol", "BTC/USDT", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert served.stdout
    text = ""
    while not text.rstrip().endswith("}") or text.count("{") != text.count("}"):
        line = served.stdout.readline()
        assert line, served.communicate()[1]
        text += line
    return served, json.loads(text)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_service_logs_its_members_and_stops_cleanly(stop: signal.Signals, csv: str) -> None:
    from tests.app.service_oracle import ask

    served, facts = _serving(csv)
    try:
        for _ in range(100):
            try:
                status, health = ask(f"{facts['url']}/health")
                break
            except OSError:
                time.sleep(0.1)
        assert (status, health["markets"]) == (200, ["BTC/USDT"])
        code, untrained = ask(f"{facts['url']}/predict/single", {"symbol": "BTC"})
        assert (code, untrained["status"]) == (409, "untrained")
    finally:
        served.send_signal(stop)
        told = served.communicate(timeout=20)[1]
    assert served.returncode == 0
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    members = {line["id"]: line for line in lines if line["event"] == "member"}
    assert members["ensemble"]["status"] == "untrained"
    assert members["persistence"]["parameters"]["pseudo_counts"] == 50.0


def test_a_taken_port_is_exit_code_3(csv: str, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, facts = answer(capfd, "serve", "--data", csv, "--port", port)
    assert (code, facts["error"]["type"]) == (3, "EnvironmentProblem")


def test_an_interrupt_is_quiet(own_root: Path) -> None:
    probe = (
        "import signal, sys\n"
        "from folkmoot.app import cli\n"
        "@cli.app.command()\n"
        "def slow() -> int:\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    return 0\n"
        "sys.exit(cli.run(['slow']))\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")
