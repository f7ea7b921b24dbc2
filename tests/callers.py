"""Callers by token, for services tested without identity."""

import msgspec

from kilonova.model.caller import Caller
from kilonova.model.errors import Unauthenticated
from kilonova.model.time import Timestamp


def caller(name: str, project: str, *roles: str) -> Caller:
    return Caller(
        user_id=f"user-{name}",
        user_name=name,
        project_id=project,
        project_name=project,
        roles=frozenset(roles),
        expires_at=Timestamp("2099-01-01T00:00:00.000000"),
        token=name,
    )


CALLERS = {
    one.token: one
    for one in (
        caller("admin", "admin-project", "admin", "manager", "member", "reader"),
        caller("anna", "red", "member", "reader"),
        caller("bert", "blue", "member", "reader"),
        caller("rita", "red", "reader"),
        caller("nova", "service-project", "service", "admin"),
        msgspec.structs.replace(caller("system", "", "admin"), system=True, project_id=None, project_name=None),
    )
}


async def check_token(token: str) -> Caller:
    """The token is the caller's name; `NAME@PROJECT` is the same person in another project."""
    name, _, project = token.partition("@")
    found = CALLERS.get(name)
    if found is None:
        raise Unauthenticated("The request you have made requires authentication.")
    return msgspec.structs.replace(found, project_id=project, token=token) if project else found
