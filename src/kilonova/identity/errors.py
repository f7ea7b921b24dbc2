"""Identity's errors, with the words Keystone's clients know."""

from kilonova.model.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthenticated


class NotAuthenticated(Unauthenticated):
    """One text for every reason, so that nobody learns which users exist."""

    def __init__(self) -> None:
        super().__init__("The request you have made requires authentication.")


class NotAllowed(Forbidden):
    def __init__(self, rule: str) -> None:
        super().__init__(f"You are not authorized to perform the requested action: {rule}.")
        self.rule = rule


class Missing(NotFound):
    def __init__(self, noun: str, identifier: str) -> None:
        super().__init__(f"Could not find {noun}: {identifier}.")
        self.noun = noun
        self.identifier = identifier


class TokenNotFound(NotFound):
    """The subject token is not valid; it is not repeated, errors end up in logs."""

    def __init__(self) -> None:
        super().__init__("Could not find token.")


class NameTaken(Conflict):
    def __init__(self, noun: str, name: str) -> None:
        super().__init__(f"Conflict occurred attempting to store {noun} - Duplicate entry found with name {name}.")
        self.noun = noun
        self.name = name


class InvalidInput(BadRequest):
    """The body or the query is not what the API takes."""


class GlobalRoleRefused(Forbidden):
    """A role of all domains would imply one of a single domain; Keystone answers 403."""

    def __init__(self, implied_role_id: str) -> None:
        super().__init__(f"A global role may not imply the domain-specific role {implied_role_id}.")
        self.implied_role_id = implied_role_id


class StillInUse(Forbidden):
    """Something must go or change before this may be deleted; Keystone answers 403."""
