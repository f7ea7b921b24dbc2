"""Counters of this process, and figures asked for at the moment, in Prometheus' text format.

The client library is loaded when somebody first asks.
"""

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_counts: dict[tuple[str, str, int], int] = defaultdict(int)
_seconds: dict[str, float] = defaultdict(float)
_began = time.time()


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A value as it is now. Figures of one name have the same labels."""

    name: str
    about: str
    value: float
    labels: dict[str, str] = {}


def answered(service: str, method: str, status: int, seconds: float) -> None:
    """A request was answered."""
    # Clients may send any word as a method: it must not make a series of its own.
    _counts[service, method if method in _METHODS else "other", status] += 1
    _seconds[service] += seconds


def exposition(figures: Iterable[Figure] = ()) -> bytes:
    """Everything counted, and `figures`."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest
    from prometheus_client.core import CounterMetricFamily

    requests = CounterMetricFamily("kilonova_requests", "Requests answered.", labels=("service", "method", "status"))
    for (service, method, status), count in _counts.items():
        requests.add_metric((service, method, str(status)), count)
    spent = CounterMetricFamily("kilonova_request_seconds", "Seconds spent answering.", labels=("service",))
    for service, seconds in _seconds.items():
        spent.add_metric((service,), seconds)
    registry = CollectorRegistry()
    registry.register(_Counted([requests, spent]))
    Gauge("kilonova_start_time_seconds", "When this process started, since 1970.", registry=registry).set(_began)
    gauges: dict[str, Gauge] = {}
    for figure in figures:
        if figure.name not in gauges:
            gauges[figure.name] = Gauge(figure.name, figure.about, tuple(figure.labels), registry=registry)
        gauge = gauges[figure.name]
        (gauge.labels(**figure.labels) if figure.labels else gauge).set(figure.value)
    return generate_latest(registry)


class _Counted:
    """A collector, by the client library's duck."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        return self._families
