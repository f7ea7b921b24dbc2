"""Who may do what: Keystone's default rules under Keystone's names, as plain functions.

`admin` anywhere may do all; `reader` on the system may see all; `reader` and `manager` on a domain see and manage what
is in it; everybody sees what is theirs.
"""

from collections.abc import Callable

import msgspec

from kilonova.identity.errors import NotAllowed
from kilonova.identity.tokens import TokenCaller


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What the request is about, as far as rules ask. `role`: name of the role to be given or taken."""

    user_id: str | None = None
    project_id: str | None = None
    domain_id: str | None = None
    role: str | None = None


Rule = Callable[[TokenCaller, Target], bool]

# What a domain's manager may hand out (Keystone's domain_managed_target_role).
_MANAGED_ROLES = frozenset({"manager", "member", "reader"})


def _admin(caller: TokenCaller, target: Target) -> bool:
    return caller.is_admin


def _service(caller: TokenCaller, target: Target) -> bool:
    return caller.is_service


def _everybody(caller: TokenCaller, target: Target) -> bool:
    return True


def _system_reader(caller: TokenCaller, target: Target) -> bool:
    return caller.system and "reader" in caller.roles


def _domain_reader(caller: TokenCaller, target: Target) -> bool:
    return caller.domain_id is not None and caller.domain_id == target.domain_id and "reader" in caller.roles


def _domain_manager(caller: TokenCaller, target: Target) -> bool:
    return caller.domain_id is not None and caller.domain_id == target.domain_id and "manager" in caller.roles


def _some_domain_manager(caller: TokenCaller, target: Target) -> bool:
    return caller.domain_id is not None and "manager" in caller.roles


def _grants_managed_role(caller: TokenCaller, target: Target) -> bool:
    return _domain_manager(caller, target) and target.role in _MANAGED_ROLES


def _self(caller: TokenCaller, target: Target) -> bool:
    return caller.user_id == target.user_id


def _own_project(caller: TokenCaller, target: Target) -> bool:
    return caller.project_id is not None and caller.project_id == target.project_id


def _own_domain(caller: TokenCaller, target: Target) -> bool:
    return target.domain_id is not None and target.domain_id in (caller.domain_id, caller.project_domain_id)


_SEE_ALL = (_admin, _system_reader)
_SEE = (*_SEE_ALL, _domain_reader)
_MANAGE = (_admin, _domain_manager)
_ADMIN = (_admin,)

RULES: dict[str, tuple[Rule, ...]] = {
    "list_users": _SEE,
    "get_user": (*_SEE, _self),
    **dict.fromkeys(("create_user", "update_user", "delete_user"), _MANAGE),
    "list_projects": _SEE,
    "list_user_projects": (*_SEE, _self),
    "get_project": (*_SEE, _own_project),
    **dict.fromkeys(("create_project", "update_project", "delete_project"), _MANAGE),
    **dict.fromkeys(("list_project_tags", "get_project_tag"), (*_SEE, _own_project)),
    "update_project_tags": _MANAGE,
    "list_domains": _SEE,
    "get_domain": (*_SEE_ALL, _own_domain),
    **dict.fromkeys(("create_domain", "update_domain", "delete_domain"), _ADMIN),
    "list_groups": _SEE,
    "get_group": _SEE,
    "list_groups_for_user": (*_SEE, _self),
    **dict.fromkeys(("list_users_in_group", "check_user_in_group"), _SEE),
    **dict.fromkeys(("create_group", "update_group", "delete_group"), _MANAGE),
    **dict.fromkeys(("add_user_to_group", "remove_user_from_group"), _MANAGE),
    **dict.fromkeys(("list_roles", "get_role"), (*_SEE_ALL, _some_domain_manager)),
    **dict.fromkeys(("create_role", "update_role", "delete_role"), _ADMIN),
    **dict.fromkeys(("list_implied_roles", "get_implied_role", "list_role_inference_rules"), _SEE_ALL),
    **dict.fromkeys(("create_implied_role", "delete_implied_role"), _ADMIN),
    "list_role_assignments": _SEE,
    **dict.fromkeys(("list_grants", "check_grant"), _SEE),
    **dict.fromkeys(("create_grant", "revoke_grant"), (_admin, _grants_managed_role)),
    **dict.fromkeys(("list_system_grants", "check_system_grant"), _SEE_ALL),
    **dict.fromkeys(("create_system_grant", "revoke_system_grant"), _ADMIN),
    **dict.fromkeys(("list_application_credentials", "get_application_credential"), (*_SEE_ALL, _self)),
    # Not even an administrator may make them for somebody else.
    "create_application_credential": (_self,),
    "delete_application_credential": (_admin, _self),
    **dict.fromkeys(("list_regions", "get_region"), (_everybody,)),
    **dict.fromkeys(("list_services", "get_service", "list_endpoints", "get_endpoint"), _SEE_ALL),
    **dict.fromkeys(("create_region", "update_region", "delete_region"), _ADMIN),
    **dict.fromkeys(("create_service", "update_service", "delete_service"), _ADMIN),
    **dict.fromkeys(("create_endpoint", "update_endpoint", "delete_endpoint"), _ADMIN),
    **dict.fromkeys(("list_credentials", "get_credential"), (*_SEE_ALL, _self)),
    **dict.fromkeys(("create_credential", "update_credential", "delete_credential"), (_admin, _self)),
    "validate_token": (*_SEE_ALL, _service, _self),
    "revoke_token": (_admin, _self),
}


def may(caller: TokenCaller, rule: str, target: Target) -> bool:
    return any(passes(caller, target) for passes in RULES[rule])


def check(caller: TokenCaller, rule: str, target: Target) -> None:
    """Errors: NotAllowed."""
    if not may(caller, rule, target):
        raise NotAllowed(f"identity:{rule}")
