"""Which tokens are no longer what they were: identity tells whoever remembers validated tokens.

A subject is text, `kind:id`, naming something a token depends on. A token is concerned when any of its subjects is.
"""

from typing import NewType, Protocol

from kilonova.contract.message import fan_out

IDENTITY_EVENTS = "identity-events"

Subject = NewType("Subject", str)

# Every token there is: roles, their implications or the catalog changed.
EVERYBODY = Subject("all:")


def audit(audit_id: str) -> Subject:
    """One token."""
    return Subject(f"audit:{audit_id}")


def user(user_id: str) -> Subject:
    return Subject(f"user:{user_id}")


def project(project_id: str) -> Subject:
    return Subject(f"project:{project_id}")


def domain(domain_id: str) -> Subject:
    """Tokens of the domain's users, for its projects, and scoped to it."""
    return Subject(f"domain:{domain_id}")


def application_credential(credential_id: str) -> Subject:
    return Subject(f"credential:{credential_id}")


class RevocationListener(Protocol):
    """Topic `identity-events`."""

    @fan_out()
    async def revoked(self, subjects: list[str]) -> None:
        """Forget what is known of tokens of any of `subjects`; those still valid validate again."""
