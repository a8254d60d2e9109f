"""Every setting of the lab: argument, ``MARKETLAB_*`` variable, ``marketlab.toml``, default, in that order.

Parsed once at the edge, frozen, handed down. A ``MARKETLAB_`` name that no setting has is an error, for a misspelt
one would otherwise change nothing and say nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, Self

import platformdirs
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from marketlab.errors import SettingsError

__all__ = ["PREFIX", "Settings", "find_home", "load_settings"]

PREFIX = "MARKETLAB_"
HOME_NAME = ".marketlab"
FILE_NAME = "marketlab.toml"
LEARNERS = "learners"  # in the lab's folder: a home for each namespace
LONGEST_TOPIC = 249  # Kafka's limit

#: Names with our prefix that are not settings of the lab, and who reads them.
OTHER_NAMES = {
    "MARKETLAB_REQUIRE_ALL": "the tests: a skip for something that is missing becomes a failure",
    "MARKETLAB_BROWSER": "the tests: the browser's program",
}


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path = Field(
        default=Path(HOME_NAME),
        description="Folder of the lab's state: database, logs, managed broker. "
        "Default: .marketlab, found upwards from the working folder.",
    )
    namespace: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        description="Who works here, where many share one Kafka: topics and groups become NAMESPACE.name, "
        "and a home that is not named is learners/NAMESPACE in the lab's folder.",
    )
    cache: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("marketlab", appauthor=False)),
        description="Folder for what is fetched once per user: Kafka's jars.",
    )
    topic: str = Field("stock-ticks", pattern=r"^[A-Za-z0-9._-]{1,249}$", description="Kafka topic of the ticks.")
    partitions: int = Field(3, ge=1, le=1000, description="Partitions of the topic when it is created.")
    group: str | None = Field(
        None, min_length=1, description="Kafka consumer group; default: marketlab-ID, one for each home."
    )
    window: int = Field(5, ge=1, le=10_000, description="Ticks in the moving average.")
    alert_threshold_pct: float = Field(
        3.0, gt=0, le=1e6, description="Alert when one tick moves the price by this many percent or more."
    )
    batch_size: int = Field(5000, ge=1, le=100_000, description="Messages in one commit at the most.")
    bootstrap_servers: str | None = Field(
        None, description="host:port[,host:port] of your own Kafka; without it the managed broker is used."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to your own Kafka."
    )
    sasl_mechanism: str | None = Field(None, description="SASL mechanism of your own Kafka, e.g. SCRAM-SHA-512.")
    sasl_username: str | None = Field(None, description="SASL user name.")
    sasl_password: SecretStr | None = Field(None, description="SASL password.")
    ssl_cafile: Path | None = Field(None, description="Certificates to trust, PEM.")
    ssl_certfile: Path | None = Field(None, description="Client certificate, PEM.")
    ssl_keyfile: Path | None = Field(None, description="Key of the client certificate, PEM.")
    broker_port: int | None = Field(
        None, ge=1, le=65535, description="Port of the managed broker; default: 9092, or the next free one."
    )
    host: str = Field("127.0.0.1", description="Address on which the API listens.")
    port: int | None = Field(None, ge=1, le=65535, description="Port of the API; default: 5000, or the next free one.")
    token: SecretStr | None = Field(
        None,
        description="Secret that POST /update wants, and that `consume --sink http` sends; 32 characters or more. "
        "Default: the one that `marketlab token --write` keeps in the home, if any.",
    )
    cors_origins: str | None = Field(
        None,
        description="Other origins whose pages may use the API: https://lab.example[,https://two.example]; "
        "`*` for a server that is read-only.",
    )
    analytics_log: bool = Field(True, description="Write logs/analytics.log in the home.")
    failpoint: str | None = Field(None, description="Where the process kills itself; for tests only.")

    @model_validator(mode="after")
    def _topic_is_short_enough(self) -> Self:
        if len(self.topic_name) > LONGEST_TOPIC:
            raise ValueError(f"namespace and topic together may have {LONGEST_TOPIC} characters: {self.topic_name}")
        return self

    @property
    def topic_name(self) -> str:
        """The topic as it is called on the broker."""
        return self.own(self.topic)

    @property
    def broker_home(self) -> Path:
        """Where the managed broker is: the learners of one folder share it."""
        return _lab_folder(self.home)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.home / "marketlab.db"

    @property
    def logs(self) -> Path:
        """Folder of the lab's logs."""
        return self.home / "logs"

    def own(self, name: str) -> str:
        """A topic's or group's name within the namespace.

        A namespace has no dot, so ``alice.`` is nobody else's prefix: rights can be given by it, and topics deleted.
        """
        return f"{self.namespace}.{name}" if self.namespace else name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then variables, then the file beside the home."""
        del dotenv_settings, file_secret_settings
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        home = Path(given.get("home") or os.environ.get(PREFIX + "HOME") or HOME_NAME)
        toml = _lab_folder(home).parent / FILE_NAME
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=toml)


#: Settings of which no message shows the value.
SECRETS = frozenset({"sasl_password", "token"})


def load_settings(**arguments: Any) -> Settings:
    """The settings for this process; arguments that are None count as not given.

    :raises SettingsError: an unknown name or an impossible value, with the name and what it may be
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields} | set(OTHER_NAMES)
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingsError(
            f"no setting is called {', '.join(unknown)}", mend="`marketlab settings` lists every setting."
        )
    given = {name: value for name, value in arguments.items() if value is not None}
    named = given.get("home") or os.environ.get(PREFIX + "HOME")
    given["home"] = Path(named).expanduser().absolute() if named else find_home(Path.cwd())
    try:
        settings = Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        found = "" if name in SECRETS else f", was {first.get('input')!r}"
        raise SettingsError(
            f"setting {name}: {first['msg'].lower()}{found}",
            mend="`marketlab settings` says what each setting may be.",
        ) from None
    if settings.namespace and not named:
        return settings.model_copy(update={"home": settings.home / LEARNERS / settings.namespace})
    return settings


def find_home(start: Path) -> Path:
    """The ``.marketlab`` folder that holds for a folder: its own or the nearest above, else a new one in it.

    Never one above the user's home folder or of another owner, for whoever can write ``/tmp/.marketlab`` could
    otherwise choose the settings of everybody who works below ``/tmp``.
    """
    ceiling = Path.home()
    for folder in (start, *start.parents):
        candidate = folder / HOME_NAME
        if candidate.is_dir() and _own(candidate):
            return candidate
        if folder == ceiling:
            break
    return start / HOME_NAME


def _lab_folder(home: Path) -> Path:
    """The folder that a home belongs to: one of many learners lies two deeper, every other is its own."""
    return home.parent.parent if home.parent.name == LEARNERS else home


def _own(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
