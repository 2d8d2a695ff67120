"""What Prometheus reads: how requests went, and what the database says of the work around them."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client adds up what several processes count; it reads this when imported."""
_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True)
class Measure:
    """A number that holds at this moment, once for each of its labels."""

    name: str
    about: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()

    def family(self) -> "Metric":
        """The measure as Prometheus' client writes it."""
        from prometheus_client.core import GaugeMetricFamily

        family = GaugeMetricFamily(f"faultbook_{self.name}", self.about, labels=self.labels)
        for labels, value in self.values.items():
            family.add_metric(labels, value)
        return family


class RequestMetrics:
    """Counts requests by method, route and class of status, and how long they took."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Histogram, ProcessCollector

        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "faultbook_request_seconds",
            "Seconds until the last byte of an answer, by route.",
            ("method", "route", "status"),
            buckets=_BOUNDS_S,
            registry=self._registry,
        )
        if _SHARED_FOLDER not in os.environ:
            ProcessCollector(registry=self._registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._seconds.labels(method, route, f"{status // 100}xx").observe(seconds)

    def exposition(self, measures: Iterable[Measure]) -> bytes:
        """All of it in Prometheus' text format, over all processes of this server."""
        from prometheus_client import generate_latest

        return generate_latest(self._all()) + generate_latest(_Now(measures))

    def _all(self) -> "CollectorRegistry":
        if _SHARED_FOLDER not in os.environ:
            return self._registry
        from prometheus_client import CollectorRegistry, multiprocess

        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # theirs
        return registry


class _Now:
    """Measures in the place of a registry."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self._measures = measures

    def collect(self) -> Iterator["Metric"]:
        return (measure.family() for measure in self._measures)


@contextmanager
def added_up() -> Iterator[None]:
    """Let processes that are started inside add up what they count."""
    folder = tempfile.mkdtemp(prefix="faultbook-metrics-")
    os.environ[_SHARED_FOLDER] = folder
    try:
        yield
    finally:
        del os.environ[_SHARED_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)
