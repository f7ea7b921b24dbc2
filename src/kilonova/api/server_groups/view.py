"""A server group as clients see it, by version. Source of members: the API samples of server groups."""

from typing import Any

import msgspec

from kilonova.api.request import Request
from kilonova.model.server_group import ServerGroup


def full(request: Request, group: ServerGroup) -> dict[str, Any]:
    version = request.version
    shown: dict[str, Any] = {"id": group.id, "name": group.name, "members": group.members}
    if version >= 64:
        shown |= {"policy": group.policy, "rules": msgspec.Raw(group.rules.encode())}
    else:
        shown |= {"policies": [group.policy], "metadata": {}}
    if version >= 13:
        shown |= {"project_id": group.project_id, "user_id": group.user_id}
    return shown
