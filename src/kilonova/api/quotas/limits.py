"""`GET /limits`: what the caller's project (or another, for admins) may have, and has."""

from typing import Any

from kilonova.api import quota
from kilonova.api.quota import Limits
from kilonova.api.request import Request
from kilonova.db.repository import quotas, server_groups
from kilonova.db.repository.quotas import Usage

_OTHER_PROJECT = "os_compute_api:limits:other_project"


async def show(request: Request) -> dict[str, Any]:
    project_id = request.caller.project_id or ""
    other = request.one("tenant_id")
    if other is not None:
        request.allow(_OTHER_PROJECT)
        project_id = other
    db = request.world.db
    held = await quota.limits(request, db, project_id)
    used = quotas.total(await quotas.usage(db, project_id))
    groups = sum((await server_groups.counts(db, project_id)).values())
    return {"limits": {"rate": [], "absolute": _absolute(request.version, held, used, groups)}}


def _absolute(version: int, held: Limits, used: Usage, groups: int) -> dict[str, int]:
    shown = {
        "maxTotalInstances": held.of("instances"),
        "maxTotalCores": held.of("cores"),
        "maxTotalRAMSize": held.of("ram"),
        "maxTotalKeypairs": held.of("key_pairs"),
        "maxServerMeta": held.of("metadata_items"),
        "maxServerGroups": held.of("server_groups"),
        "maxServerGroupMembers": held.of("server_group_members"),
        "totalInstancesUsed": used.instances,
        "totalCoresUsed": used.cores,
        "totalRAMUsed": used.ram,
        "totalServerGroupsUsed": groups,
    }
    if version < 57:
        shown["maxPersonality"] = held.of("injected_files")
        shown["maxPersonalitySize"] = held.of("injected_file_content_bytes")
    if version < 39:
        shown["maxImageMeta"] = held.of("metadata_items")
    if version < 36:
        shown |= {
            "maxTotalFloatingIps": held.of("floating_ips"),
            "maxSecurityGroups": held.of("security_groups"),
            "maxSecurityGroupRules": held.of("security_group_rules"),
            # Counted by the network service since it exists.
            "totalFloatingIpsUsed": 0,
            "totalSecurityGroupsUsed": 0,
        }
    return shown
