"""A token as the API shows it."""

from typing import Any

import msgspec

from kilonova.identity.payload import ScopeKind
from kilonova.identity.store.people import Domain
from kilonova.identity.tokens import Token


def token_document(token: Token, catalog: msgspec.Raw | None) -> dict[str, Any]:
    """Under `token`. Unscoped tokens have neither roles nor catalog."""
    shown: dict[str, Any] = {
        "methods": token.payload.methods,
        "user": {
            "domain": _named(token.user.domain),
            "id": token.user.id,
            "name": token.user.name,
            "password_expires_at": token.user.password_expires_at,
        },
        "audit_ids": token.payload.audit_ids,
        "expires_at": token.expires_at + "Z",
        "issued_at": token.issued_at + "Z",
    }
    if token.scope.kind is not ScopeKind.UNSCOPED:
        shown |= _scope(token)
        shown["roles"] = [{"id": role.id, "name": role.name} for role in token.roles]
        if catalog is not None:
            shown["catalog"] = catalog
    if token.grant is not None:
        shown["application_credential"] = {
            "id": token.grant.id,
            "name": token.grant.name,
            "restricted": not token.grant.unrestricted,
        }
    return {"token": shown}


def _scope(token: Token) -> dict[str, Any]:
    if (project := token.project) is not None:
        return {
            "project": {"domain": _named(project.domain), "id": project.id, "name": project.name},
            "is_domain": False,
        }
    if (domain := token.domain) is not None:
        return {"domain": _named(domain)}
    return {"system": {"all": True}}


def _named(domain: Domain) -> dict[str, str]:
    return {"id": domain.id, "name": domain.name}
