"""Log lines of the service are quiet unless a test asks for them."""

from collections.abc import Iterator

import pytest
import structlog

from folkmoot.app.log import configure


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    configure("critical")
    yield
    configure("critical")


@pytest.fixture(scope="session", autouse=True)
def defaults() -> Iterator[None]:
    yield
    structlog.reset_defaults()
