"""Log lines: one JSON object each, or one readable line each in a terminal, never with secrets."""

import logging
import sys
from collections.abc import MutableMapping, Sequence
from typing import Any

import structlog

LONGEST = 2_000
REDACTED = "(redacted)"

_SECRET_NAMES = ("key", "secret", "token", "password", "authorization", "cookie")
_NOISY = ("httpx", "httpcore", "uvicorn.access", "asyncio", "alembic")

Event = MutableMapping[str, Any]


def configure(level: str = "info", secrets: Sequence[str] = ()) -> None:
    """Send the lines of structlog and of the standard library to stderr.

    Text is cut at 2,000 characters and control characters are escaped, so that no value can
    start a line of its own; names that sound secret, and `secrets` themselves, are redacted.
    """
    terminal = sys.stderr.isatty()
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _Cleaner(tuple(secret for secret in secrets if secret)),
    ]
    last = structlog.dev.ConsoleRenderer(colors=False) if terminal else _json()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Stderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if not isinstance(one, _Stderr)] + [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _json() -> Any:
    return structlog.processors.JSONRenderer(ensure_ascii=True)


class _Stderr(logging.Handler):
    """A handler that writes to whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


class _Cleaner:
    """A processor that makes every value printable, short, and free of secrets."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets

    def __call__(self, logger: Any, method: str, event: Event) -> Event:
        for name, value in event.items():
            if not name.startswith("_"):
                event[name] = self._clean(name, value)
        return event

    def _clean(self, name: str, value: Any) -> Any:
        if any(part in name.lower() for part in _SECRET_NAMES):
            return REDACTED
        if isinstance(value, dict):
            return {self._plain(str(k)): self._clean(str(k), one) for k, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean("", one) for one in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._plain(str(value))

    def _plain(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        text = text[:LONGEST]
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
