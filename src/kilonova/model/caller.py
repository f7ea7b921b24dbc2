"""Who calls: what a validated token says."""

import msgspec

from kilonova.model.time import Timestamp


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a valid token. Project fields are None for unscoped tokens; `roles` include implied ones."""

    user_id: str
    user_name: str
    user_domain_id: str = "default"
    user_domain_name: str = "Default"
    project_id: str | None = None
    project_name: str | None = None
    project_domain_id: str | None = None
    project_domain_name: str | None = None
    domain_id: str | None = None
    system: bool = False
    roles: frozenset[str] = frozenset()
    expires_at: Timestamp
    token: str

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    @property
    def is_service(self) -> bool:
        return "service" in self.roles
