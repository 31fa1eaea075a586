"""Settings enter once, by name, and say what is wrong with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from folkmoot.core.errors import UsageError
from folkmoot.core.settings import Settings, env_example, settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def empty_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"FOLKMOOT_{name.upper()}", raising=False)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_the_example_file_is_current() -> None:
    assert (ROOT / ".env.example").read_text() == env_example()


def test_every_setting_stands_in_the_example() -> None:
    for name, field in Settings.model_fields.items():
        assert f"FOLKMOOT_{name.upper()}=" in env_example()
        assert field.description in env_example()


def test_the_environment_wins_over_dotenv_and_dotenv_over_toml(
    empty_room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_room / "folkmoot.toml").write_text('workers = 3\nllm_model = "c"\nlog_level = "debug"\n')
    (empty_room / ".env").write_text("FOLKMOOT_LLM_MODEL=b\nFOLKMOOT_LOG_LEVEL=error\n")
    monkeypatch.setenv("FOLKMOOT_LOG_LEVEL", "warning")
    assert (settings().workers, settings().llm_model) == (3, "b")
    assert settings().log_level == "warning"


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings()
    monkeypatch.setenv("FOLKMOOT_WORKERS", "7")
    assert settings() is before


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(
    place: str, empty_room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == ".env":
        (empty_room / ".env").write_text("FOLKMOOT_WORKER=2\n")
    else:
        monkeypatch.setenv("FOLKMOOT_WORKER", "2")
    with pytest.raises(UsageError, match="FOLKMOOT_WORKER") as caught:
        settings()
    assert "FOLKMOOT_WORKERS" in caught.value.allowed


def test_an_unknown_name_in_the_toml_is_an_error(empty_room: Path) -> None:
    (empty_room / "folkmoot.toml").write_text("worker = 2\n")
    with pytest.raises(UsageError, match="'worker'") as caught:
        settings()
    assert caught.value.where == "folkmoot.toml"


def test_a_file_that_is_not_toml_is_an_error(empty_room: Path) -> None:
    (empty_room / "folkmoot.toml").write_text("workers: 2\n")
    with pytest.raises(UsageError, match="not TOML"):
        settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "-1"),
        ("WORKERS", "two"),
        ("LLM_TIMEOUT", "0"),
        ("LLM_TIMEOUT", "nan"),
        ("LOG_LEVEL", "loud"),
        ("API_SECRET", "canary-short"),
    ],
)
def test_a_bad_value_is_named_and_never_repeated_if_secret(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FOLKMOOT_{name}", value)
    with pytest.raises(UsageError, match=f"FOLKMOOT_{name}") as caught:
        settings()
    assert caught.value.exit_code == 2
    assert "canary" not in str(caught.value)


def test_names_of_other_tools_in_dotenv_are_left_alone(empty_room: Path) -> None:
    (empty_room / ".env").write_text("DATABASE_URL=x\nFOLKMOOT_WORKERS=2\n")
    assert settings().workers == 2


def test_names_of_the_source_documents_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_MODEL", "phi")
    monkeypatch.setenv("NEURAL_WEIGTH", "0.6")
    with capture_logs() as lines:
        settings()
    told = {line["name"]: line["instead"] for line in lines if line["log_level"] == "warning"}
    assert told == {"OLLAMA_MODEL": "FOLKMOOT_LLM_MODEL", "NEURAL_WEIGTH": None}


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLKMOOT_LLM_KEY", "canary-key")
    monkeypatch.setenv("FOLKMOOT_API_SECRET", "canary" * 8)
    assert "canary" not in repr(settings())
    assert "canary" not in str(settings().model_dump())


@pytest.mark.parametrize("root", ["", " "])
def test_an_empty_data_root_is_refused(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLKMOOT_DATA_ROOT", root)
    with pytest.raises(UsageError, match=r"FOLKMOOT_DATA_ROOT.*empty"):
        settings()
