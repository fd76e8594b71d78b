"""Every environment variable, typed and documented. Nobody else reads the environment."""

import os
import re
import secrets
from contextlib import suppress
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_LIVE_URL = "AMP_URL_"
_METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Prometheus' client reads it by itself, when it is loaded."""


_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0}


def _hours(given: Any) -> Any:
    """`90m`, `24h` and `2d` as hours; a number is one already."""
    if isinstance(given, str) and given[:-1].isdecimal() and given[-1] in _HOURS:
        return int(given[:-1]) * _HOURS[given[-1]]
    return given


def _web_address(given: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", given):
        raise ValueError("it must be an address such as https://amp.example.com")
    return given


def _postgres_address(given: str) -> str:
    if not re.fullmatch(r"postgres(ql)?://\S*", given):
        raise ValueError("it must be an address such as postgresql://user:password@host/database")
    return given


class Settings(BaseSettings):
    """Set by environment variables `AMP_*` or a `.env` file. Vendors' credentials keep the vendors' names."""

    model_config = SettingsConfigDict(env_prefix="AMP_", env_file=".env", extra="ignore")

    home: Path = Field(default=Path(".amp"), description="Embedded database, media, secret key and credentials.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=1, le=65535, description="Port to listen on.")
    database_url: Annotated[str, AfterValidator(_postgres_address)] | None = Field(
        default=None, description="A PostgreSQL 15+ server; unset: PostgreSQL embedded in AMP_HOME."
    )
    pool_size: int = Field(
        default=16,
        ge=2,
        description="Database connections of a process; in a rush it opens a third more, and six.",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Master key of all secrets, 16 characters or more; unset: made once and kept in AMP_HOME.",
    )
    secret_key_previous: SecretStr | None = Field(
        default=None, description="Earlier master keys, separated by commas: what they sealed stays readable."
    )
    public_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None, description="How the world reaches this server; unset: http://AMP_HOST:AMP_PORT."
    )
    media_url: str | None = Field(
        default=None,
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?|file:///.+)$",
        description="Where media are kept: s3://bucket/prefix or file:///directory; unset: AMP_HOME/media.",
    )
    allow_private_urls: bool = Field(
        default=False, description="Fetch media from private networks, too; any tenant can then reach into yours."
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(str.lower)] = Field(
        default="info", description="debug, info, warning or error."
    )
    log_format: Literal["console", "json"] = Field(default="console", description="How log lines look.")
    clock_speed: float = Field(
        default=1.0, ge=1.0, le=100_000, description="Virtual time runs this many times faster; above 1 no live keys."
    )
    writer: str | None = Field(default=None, description="Who writes: vendor:model, such as anthropic:claude-sonnet-5.")
    writer_stages: dict[str, str] = Field(
        default_factory=dict, description='Another writer for a stage, as JSON: {"strategy": "vendor:model"}.'
    )
    writer_url: str | None = Field(default=None, description="Base URL of an OpenAI-compatible or Ollama writer.")
    writer_prices: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description='Prices we do not know, as JSON: {"model": [dollars per million in, out]}.',
    )
    cycle_days: int = Field(default=7, ge=1, le=31, description="Days that one cycle of a mission plans.")
    missed_after: Annotated[float, BeforeValidator(_hours)] = Field(
        default=24.0, gt=0, description="A post overdue by more than this many hours (or `90m`, `2d`) fails as MISSED."
    )
    ampost_scheduling: Literal["contract", "all"] = Field(
        default="contract",
        description="all: the Ampost contract schedules on every platform, not only where its reference says.",
    )
    keep_prompts: bool = Field(default=True, description="Store prompts and answers with the content.")
    test_data_days: int = Field(
        default=30, ge=1, description="Days after which the test environment forgets missions and posts."
    )
    heartbeat_seconds: float = Field(
        default=5.0, gt=0, description="A worker silent for four times this is dead; its jobs are taken over."
    )
    sandbox_url: str | None = Field(
        default=None, description="Where workers reach the sandbox; unset: AMP_PUBLIC_URL/sandbox."
    )
    metrics_directory: Path | None = Field(
        default=None,
        validation_alias=_METRICS_VARIABLE,
        description="Where the processes of one machine share their metrics; `amp serve` sets it.",
    )
    openapi: bool = Field(default=True, description="Serve each contract's OpenAPI document.")

    @cached_property
    def base_url(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @cached_property
    def sandbox_base(self) -> str:
        return (self.sandbox_url or f"{self.base_url}/sandbox").rstrip("/")

    @cached_property
    def home_directory(self) -> Path:
        """AMP_HOME, made if missing. As root the embedded server must be able to pass through it."""
        home = self.home.expanduser().resolve()
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        return home

    @cached_property
    def master_key(self) -> bytes:
        """The master key, generated at first use."""
        if self.secret_key:
            return self.secret_key.get_secret_value().encode()
        return private_file(self.home_directory / "secret.key", secrets.token_hex(32)).encode()

    @cached_property
    def previous_master_keys(self) -> tuple[bytes, ...]:
        """Newest first."""
        given = self.secret_key_previous.get_secret_value() if self.secret_key_previous else ""
        return tuple(key.strip().encode() for key in given.split(",") if key.strip())

    def live_urls(self) -> dict[str, str]:
        """`AMP_URL_<VENDOR>`: base URLs that replace the vendors' own in live mode, by lower-case vendor."""
        given = {name: url for name, url in self._environment.items() if name.startswith(_LIVE_URL)}
        return {name.removeprefix(_LIVE_URL).lower(): url for name, url in given.items()}

    def unknown_variables(self) -> dict[str, str | None]:
        """Variables `AMP_*` that no setting reads, each with the one that may have been meant."""
        known = [f"AMP_{name.upper()}" for name in type(self).model_fields]
        strange = (name for name in self._environment if name.startswith("AMP_") and not name.startswith(_LIVE_URL))
        return {name: next(iter(get_close_matches(name, known, 1)), None) for name in strange if name not in known}

    def credentials(self) -> dict[str, str]:
        """Everything that may be a vendor's credential, by the vendor's name; adapters pick theirs."""
        return {name: value for name, value in self._environment.items() if not name.startswith("AMP_")}

    @cached_property
    def _environment(self) -> dict[str, str]:
        merged = {**dotenv_values(".env"), **os.environ}
        return {name: value for name, value in merged.items() if value}


def private_file(path: Path, first: str) -> str:
    """The text of a 0600 file, made with `first` when it does not exist. Two at once agree on one text."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(first)
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def share_metrics(directory: Path) -> None:
    """Have the child processes keep their metrics in one place."""
    os.environ[_METRICS_VARIABLE] = str(directory)


def child_environment(**settings: object) -> dict[str, str]:
    """Our environment with some settings changed, for a process of ours."""
    return os.environ | {f"AMP_{name.upper()}": str(value) for name, value in settings.items()}
