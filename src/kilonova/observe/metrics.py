"""Counters for Prometheus. The client library is loaded when somebody first asks."""

import time
from collections import Counter

_counts: Counter[tuple[str, str, int]] = Counter()
_seconds: Counter[str] = Counter()
_began = time.time()


def answered(service: str, method: str, status: int, seconds: float) -> None:
    """A request was answered."""
    _counts[(service, method, status)] += 1
    _seconds[service] += seconds  # type: ignore[assignment]


def exposition() -> bytes:
    """Everything counted, in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    labels = ["service", "method", "status"]
    requests = Gauge("kilonova_requests_total", "Requests answered.", labels, registry=registry)
    for (service, method, status), count in _counts.items():
        requests.labels(service, method, str(status)).set(count)
    spent = Gauge("kilonova_request_seconds_total", "Seconds spent answering.", ["service"], registry=registry)
    for service, seconds in _seconds.items():
        spent.labels(service).set(seconds)
    Gauge("kilonova_start_time_seconds", "When this process started, since 1970.", registry=registry).set(_began)
    return generate_latest(registry)
