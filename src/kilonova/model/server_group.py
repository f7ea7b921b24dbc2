"""Server groups: servers that are to be together, or apart."""

import msgspec

from kilonova.model.errors import NotFound


class ServerGroupNotFound(NotFound):
    def __init__(self, group: str) -> None:
        super().__init__(f"Instance group {group} could not be found.")
        self.group = group


class ServerGroup(msgspec.Struct, frozen=True):
    """`rules` is JSON text of a map; `members` are the ids of living servers."""

    id: str
    project_id: str
    user_id: str
    name: str
    policy: str
    rules: str
    members: tuple[str, ...] = ()
