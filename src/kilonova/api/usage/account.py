"""Hours, and what they amount to: pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from kilonova.db.repository.usage import Ran
from kilonova.model.errors import BadRequest
from kilonova.model.time import moment_of

_FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f")


class BadMoment(BadRequest):
    def __init__(self) -> None:
        super().__init__("Datetime is in invalid format")


def moment_in(text: str | None, now: datetime) -> datetime:
    """UTC; nothing given means now. Errors: BadMoment."""
    if not text:
        return now
    for form in _FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=now.tzinfo)
        except ValueError:
            continue
    raise BadMoment


def server_usage(server: Ran, start: datetime, stop: datetime, now: datetime) -> dict[str, Any]:
    """What one server used between two moments. `uptime` in seconds, over its whole life."""
    size = server.size()
    launched = moment_of(server.launched_at)
    ended = None if server.ended_at is None else moment_of(server.ended_at)
    within = min(stop, ended or stop) - max(start, launched)
    return {
        "instance_id": server.id,
        "name": server.name,
        "tenant_id": server.project_id,
        "flavor": size.name,
        "vcpus": size.vcpus,
        "memory_mb": size.memory_mib,
        "local_gb": size.root_gib + size.ephemeral_gib,
        "hours": max(within, timedelta()) / timedelta(hours=1),
        "started_at": server.launched_at,
        "ended_at": server.ended_at,
        "uptime": int(((ended or now) - launched).total_seconds()),
        "state": server.vm_state if ended is None else "terminated",
    }


def project_usage(
    project_id: str, servers: Iterable[dict[str, Any]], start: str, stop: str, *, detailed: bool
) -> dict[str, Any]:
    """Sums over servers' usages, all of one project."""
    listed = list(servers)
    shown: dict[str, Any] = {
        "tenant_id": project_id,
        "start": start,
        "stop": stop,
        "total_hours": sum(one["hours"] for one in listed) + 0.0,
        "total_vcpus_usage": sum(one["vcpus"] * one["hours"] for one in listed) + 0.0,
        "total_memory_mb_usage": sum(one["memory_mb"] * one["hours"] for one in listed) + 0.0,
        "total_local_gb_usage": sum(one["local_gb"] * one["hours"] for one in listed) + 0.0,
    }
    return shown | {"server_usages": listed} if detailed else shown
