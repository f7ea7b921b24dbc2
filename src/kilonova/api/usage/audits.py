"""Audits of usage: no host of this cloud writes any, so that each is one that has not run."""

import re
from datetime import datetime, timedelta
from typing import Any

from kilonova.api.request import Request
from kilonova.db.repository import services
from kilonova.model.errors import BadRequest
from kilonova.model.service import COMPUTE
from kilonova.model.time import moment_of


async def index(request: Request) -> dict[str, Any]:
    span = _period(moment_of(request.world.clock.now()))
    return {"instance_usage_audit_logs": await _log(request, span)}


async def show(request: Request) -> dict[str, Any]:
    """The last whole period before a moment. Errors: BadRequest."""
    text = request.params["id"]
    # The decimals are part of the form, and nothing is made of them.
    plain = re.sub(r"\.\d{1,6}$", "", text)
    try:
        span = _period(datetime.strptime(plain, "%Y-%m-%d %H:%M:%S"))
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"Invalid timestamp for date {text}") from error
    return {"instance_usage_audit_log": await _log(request, span)}


async def _log(request: Request, span: tuple[datetime, datetime]) -> dict[str, Any]:
    begin, end = span
    found = await services.listed(request.world.db)
    hosts = [service.host for service in found if service.binary == COMPUTE]
    return {
        "period_beginning": begin.strftime("%Y-%m-%d %H:%M:%S"),
        "period_ending": end.strftime("%Y-%m-%d %H:%M:%S"),
        "num_hosts": len(hosts),
        "num_hosts_done": 0,
        "num_hosts_running": 0,
        "num_hosts_not_run": len(hosts),
        "hosts_not_run": hosts,
        "total_instances": 0,
        "total_errors": 0,
        "overall_status": f"0 of {len(hosts)} hosts done. 0 errors.",
        "log": {},
    }


def _period(before: datetime) -> tuple[datetime, datetime]:
    """The last month that was over ([DEFAULT]instance_usage_audit_period's default)."""
    end = before.replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return (end - timedelta(days=1)).replace(day=1), end
