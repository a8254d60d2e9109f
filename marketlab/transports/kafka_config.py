"""How to reach a Kafka topic, and how long to wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketlab.errors import SettingsError

__all__ = ["KafkaConfig"]


@dataclass(frozen=True, kw_only=True)
class KafkaConfig:
    """A topic and the way to its brokers; the rest of the names are those of the settings.

    :param connect_timeout_s: for the first answer of any broker
    :param request_timeout_s: for the answer to one request
    :param delivery_timeout_s: after which a message that is not acknowledged has failed for good
    :raises SettingsError: SASL is asked for without a mechanism
    """

    bootstrap_servers: str
    topic: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    connect_timeout_s: float = 5.0
    request_timeout_s: float = 10.0
    delivery_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if self.security_protocol.startswith("SASL") and not self.sasl_mechanism:
            raise SettingsError(
                f"security protocol {self.security_protocol} needs a SASL mechanism, found none",
                mend="Set MARKETLAB_SASL_MECHANISM, for example to SCRAM-SHA-512.",
            )

    def options(self) -> dict[str, Any]:
        """What every client of kafka-python is made with."""
        options: dict[str, Any] = {
            "bootstrap_servers": [server.strip() for server in self.bootstrap_servers.split(",") if server.strip()],
            "bootstrap_timeout_ms": _ms(self.connect_timeout_s),
            "request_timeout_ms": _ms(self.request_timeout_s),
            # Back at the latest 1 s after the broker is; the default of 30 s outlasts any restart.
            "reconnect_backoff_max_ms": 1000,
            "security_protocol": self.security_protocol,
        }
        if self.sasl_mechanism:
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password
        for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile"):
            path = getattr(self, name)
            if path is not None:
                options[name] = str(path)
        return options


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
