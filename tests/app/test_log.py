"""A log line is one JSON object, whatever a caller put into it, and holds no secret."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from folkmoot.app.log import configure

CANARY = "canary-" + "k" * 32


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure("info", [CANARY])
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        'BTC\r\n{"level": "info"}',
        "\x1b[31mred\x1b[0m",
        '"}\n{"',
        "\u2028next\u2029",
        "x" * 1_000_000,
        "\x00",
        "\ud800",
        "\u202eevil",
    ],
)
def test_one_line_one_object(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    configure("info")
    structlog.get_logger("a").info("request", symbol=text, agents=[text], more={text: text})
    logging.getLogger("b").warning(text)
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.isprintable()
        assert len(line) < 20_000
        assert json.loads(line)["level"] in ("info", "warning")


def test_secrets_are_redacted_by_name_and_by_value(capfd: pytest.CaptureFixture[str]) -> None:
    configure("info", [CANARY])
    log = structlog.get_logger("a")
    log.info("x", api_key="canary", headers={"Authorization": "canary"}, url=f"a?{CANARY}b")
    try:
        raise ValueError(CANARY)
    except ValueError:
        log.exception("broke")
    text = capfd.readouterr().err
    assert "canary" not in text
    assert text.count("(redacted)") >= 3


def test_the_level_is_obeyed(capfd: pytest.CaptureFixture[str]) -> None:
    configure("warning")
    structlog.get_logger("a").info("quiet")
    structlog.get_logger("a").warning("loud")
    assert "quiet" not in capfd.readouterr().err
