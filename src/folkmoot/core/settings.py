"""Settings: the only reader of the environment, `.env` and `folkmoot.toml`, once and lazily."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """Every setting; an environment name is the field's name in capitals after `FOLKMOOT_`."""

    model_config = SettingsConfigDict(
        env_prefix="FOLKMOOT_",
        env_file=".env",
        toml_file="folkmoot.toml",
        extra="forbid",
        frozen=True,
    )

    data_root: Annotated[Path, Field(description="bars, tasks, journals and reports")] = (
        user_data_path("folkmoot")
    )
    workers: Annotated[int, Field(ge=0, description="processes; 0 is one per core")] = 0
    llm_url: Annotated[str, Field(description="an OpenAI-compatible server")] = ""
    llm_model: Annotated[str, Field(description="the model it should use")] = ""
    llm_key: Annotated[SecretStr, Field(description="its key, if it asks for one")] = SecretStr("")
    llm_timeout: Annotated[float, Field(gt=0, description="seconds in all for one answer")] = 30.0
    api_secret: Annotated[
        SecretStr, Field(description="32 characters or more; needed beyond loopback")
    ] = SecretStr("")
    log_level: Annotated[str, Field(description="debug, info, warning or error")] = "info"

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
    """Return the settings, read once."""
    return Settings()
