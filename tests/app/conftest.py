"""A data root of its own for each test, and log lines only for who asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from tests.conftest import random_walk

from folkmoot.app.log import configure
from folkmoot.core.settings import settings


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    configure("critical")
    yield
    configure("critical")


@pytest.fixture(scope="session", autouse=True)
def defaults() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture
def own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOLKMOOT_DATA_ROOT", str(tmp_path / "root"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def csv(own_root: Path) -> str:
    path = own_root / "walk.csv"
    random_walk(300).to_frame().to_csv(path, index=False)
    return str(path)
