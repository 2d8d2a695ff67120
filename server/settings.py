"""Settings of the server: environment variables `FAULTBOOK_*`, listed in docs/settings.md."""

from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.assistant_settings import AssistantSettings
from server.oidc_settings import OidcSettings


def with_driver(url: str) -> str:
    """Return a database URL with the driver that is installed, where it names none."""
    scheme, separator, rest = url.partition("://")
    is_plain = scheme in ("postgres", "postgresql")
    return f"postgresql+psycopg{separator}{rest}" if is_plain else url


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Settings(AssistantSettings, OidcSettings, BaseSettings):
    """Settings of one running Faultbook. Command-line options override the environment."""

    model_config = SettingsConfigDict(env_prefix="FAULTBOOK_", extra="ignore")

    data: Path = Field(
        default=Path("faultbook-data"),
        description="Directory of everything Faultbook stores: database, uploads, results.",
    )
    database: str = Field(
        default="",
        description="SQLAlchemy URL; empty: faultbook.sqlite in the data directory.",
    )
    host: str = Field(default="127.0.0.1", description="Address that `serve` and `demo` bind.")
    port: int = Field(
        default=8717, description="Port that `serve` and `demo` bind; 0 picks a free one."
    )
    no_login: bool = Field(
        default=False,
        description="Nobody signs in: whoever reaches the server acts as the local lead. "
        "Only on a loopback address.",
    )
    job_workers: int = Field(default=2, ge=1, description="Threads that run background jobs.")
    executor: str = Field(
        default="local",
        description="Who computes signals and heavy answers: `local`, or `dask://HOST:PORT`, the "
        "scheduler of a Dask cluster (`tls://HOST:PORT` with certificates).",
    )
    embedding_model: str = Field(
        default="",
        description="Folder of a sentence-transformers model; empty means the installed "
        "all-MiniLM-L6-v2, or TF-IDF where there is none.",
    )
    note_map: Literal["umap", "pca"] = Field(
        default="umap",
        description="How the map of notes is laid out: by UMAP, in a process of its own that takes "
        "400 MB for half a minute, or by principal components alone.",
    )
    upload_limit_bytes: int = Field(
        default=2 * 1024**3, description="Largest file the browser may upload."
    )
    decompressed_limit_bytes: int = Field(
        default=20 * 1024**3, description="Largest size a compressed import may unpack to."
    )
    record_limit_bytes: int = Field(
        default=64 * 1024**2, description="Largest single record of an import."
    )
    form_limit_bytes: int = Field(
        default=4 * 1024**2, description="Largest form body other than an upload."
    )
    otlp_queue: int = Field(
        default=64,
        ge=1,
        description="Requests with live spans that are taken in at the same time; more are told "
        "to come back.",
    )
    otlp_queue_bytes: int = Field(
        default=128 * 1024**2,
        description="How much the bodies of those requests may hold together, as sent.",
    )
    otlp_limit_bytes: int = Field(
        default=16 * 1024**2, description="Largest request with live spans, as sent."
    )
    otlp_decompressed_limit_bytes: int = Field(
        default=64 * 1024**2, description="Largest size such a request may unpack to."
    )
    otlp_trace_spans: int = Field(
        default=100_000, ge=1, description="Most spans that one live trace may have."
    )
    allowed_hosts: list[str] = Field(
        default=["127.0.0.1", "localhost", "[::1]", "testserver"],
        description="Host names the server answers to, against DNS rebinding.",
    )
    trusted_proxies: list[str] = Field(
        default=[],
        description="Addresses and networks of reverse proxies whose X-Forwarded-For, -Proto and "
        "-Host are believed.",
    )
    lease_minutes: int = Field(
        default=15,
        ge=1,
        le=24 * 60,
        description="How long a trace stays somebody's own after the last sign of them.",
    )
    webhooks: bool = Field(
        default=False,
        description="Leads may have changes told to addresses of their choice.",
    )
    webhooks_private: bool = Field(
        default=False,
        description="Webhooks may also go to private addresses and by plain HTTP.",
    )
    log_json: bool = Field(default=False, description="Write logs as JSON lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged."
    )
    log_requests: bool = Field(default=False, description="Log a line for every request.")
    metrics_token: str = Field(
        default="",
        description="Who shows this as a bearer token may read /metrics; empty: nobody may.",
    )
    log_slow_ms: int = Field(
        default=2_000, ge=1, description="A request that takes as many milliseconds is logged."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: list[str]) -> list[str]:
        """Refuse names, and networks with bits of a host: they would trust nobody, silently."""
        for proxy in proxies:
            ip_network(proxy)
        return proxies

    @property
    def lease(self) -> timedelta:
        """How long a claim on a trace lasts unless it is renewed."""
        return timedelta(minutes=self.lease_minutes)

    @property
    def database_url(self) -> str:
        """The URL of the database in use."""
        return with_driver(self.database) or f"sqlite:///{self.data.resolve() / 'faultbook.sqlite'}"

    @property
    def jobs_path(self) -> Path:
        """The job queue's own SQLite file: it takes exclusive locks, so it stands apart."""
        return self.data / "jobs.sqlite"

    @property
    def uploads(self) -> Path:
        """Where uploaded files wait to be imported."""
        return self.data / "uploads"

    @property
    def refused(self) -> Path:
        """Where refused records of imports are kept."""
        return self.data / "refused"

    @property
    def attachments(self) -> Path:
        """Where files attached to steps are kept, each under its sha256."""
        return self.data / "attachments"

    @property
    def artefacts(self) -> Path:
        """Where the bulky results of runs are kept."""
        return self.data / "artefacts"
