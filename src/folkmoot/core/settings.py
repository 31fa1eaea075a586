"""Settings: the only reader of the environment, `.env` and `folkmoot.toml`, once and lazily."""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from folkmoot.core.errors import UsageError

PREFIX = "FOLKMOOT_"
ENV_FILE = ".env"
TOML_FILE = "folkmoot.toml"
SECRET_LENGTH = 32

# Names of the source documents, which other tools use too: said, never silently obeyed.
_RENAMED = {
    "OLLAMA_BASE_URL": f"{PREFIX}LLM_URL",
    "OLLAMA_MODEL": f"{PREFIX}LLM_MODEL",
}
_FOREIGN = ("NEURAL_", "OLLAMA_")


class Settings(BaseSettings):
    """Every setting; an environment name is the field's name in capitals after `FOLKMOOT_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        toml_file=TOML_FILE,
        dotenv_filtering="match_prefix",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    data_root: Annotated[Path, Field(description="bars, tasks, journals and reports")] = (
        user_data_path("folkmoot")
    )
    workers: Annotated[int, Field(ge=0, description="processes; 0 is one per core")] = 0
    llm_url: Annotated[str, Field(description="an OpenAI-compatible server")] = ""
    llm_model: Annotated[str, Field(description="the model it should use")] = ""
    llm_key: Annotated[SecretStr, Field(description="its key, if it asks for one")] = SecretStr("")
    llm_timeout: Annotated[
        float, Field(gt=0, le=600, description="seconds in all for one answer")
    ] = 30.0
    api_secret: Annotated[
        SecretStr, Field(description="32 characters or more; needed beyond loopback")
    ] = SecretStr("")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="debug, info, warning or error"),
    ] = "info"

    @field_validator("data_root", mode="before")
    @classmethod
    def _named(cls, root: Any) -> Any:
        if isinstance(root, str) and not root.strip():
            # Path("") is the working folder, which nobody meant to name.
            raise ValueError("is empty")
        return root

    @field_validator("data_root")
    @classmethod
    def _expanded(cls, root: Path) -> Path:
        return root.expanduser()

    @field_validator("api_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        length = len(secret.get_secret_value())
        if 0 < length < SECRET_LENGTH:
            raise ValueError(f"has {length} characters; {SECRET_LENGTH} or more are needed")
        return secret

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, `.env`, `folkmoot.toml`."""
        toml = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, dotenv_settings, toml


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings, read once.

    Raises `UsageError` for a `FOLKMOOT_` name that is none, a value that is not allowed or a
    `folkmoot.toml` that is not TOML; warns of `NEURAL_` and `OLLAMA_` names, which are not read.
    """
    environment = os.environ  # noqa: TID251  the one place where the environment enters
    names = {**_env_file(), **environment}
    unknown = sorted(_unknown(names))
    if unknown:
        raise UsageError(
            f"no setting is called {', '.join(unknown)}", where="settings", allowed=_allowed()
        )
    _warn(names)
    try:
        return Settings()
    except ValidationError as error:
        raise _refusal(error) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not TOML: {error}", where=TOML_FILE, allowed="name = value") from None


def env_example() -> str:
    """Return the text of `.env.example`: every setting, commented out, with its default."""
    lines = ["# Copy to .env and uncomment what you change. The environment wins over this file."]
    for name, field in Settings.model_fields.items():
        lines += ["", f"# {field.description}", f"# {PREFIX}{name.upper()}={_shown(name)}"]
    return "\n".join(lines) + "\n"


def _shown(name: str) -> str:
    if name == "data_root":
        return "the folder for user data of your system"
    default = Settings.model_fields[name].default
    return "" if isinstance(default, SecretStr) else str(default)


def _env_file() -> Mapping[str, str | None]:
    try:
        return dotenv_values(ENV_FILE)
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8: {error}", where=ENV_FILE, allowed="NAME=value") from None


def _allowed() -> list[str]:
    return [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]


def _unknown(names: Iterable[str]) -> Iterator[str]:
    known = set(_allowed())
    return (n for n in names if n.upper().startswith(PREFIX) and n.upper() not in known)


def _warn(names: Iterable[str]) -> None:
    foreign = sorted(n for n in names if n.upper().startswith(_FOREIGN))
    if not foreign:
        return
    import structlog

    log = structlog.get_logger("folkmoot.settings")
    for name in foreign:
        log.warning("setting not read", name=name, instead=_RENAMED.get(name.upper()))


def _refusal(error: ValidationError) -> UsageError:
    fault: Any = error.errors(include_input=False, include_url=False)[0]
    name = str(fault["loc"][0]) if fault["loc"] else ""
    label = f"{PREFIX}{name.upper()}"
    if name not in Settings.model_fields:
        return UsageError(f"no setting is called {name!r}", where=TOML_FILE, allowed=_allowed())
    described = Settings.model_fields[name].description
    return UsageError(f"{label}: {fault['msg']}", where="settings", allowed=described)
