"""Errors of placement. `code` is what Placement's clients look at from microversion 1.23 on."""

from collections.abc import Iterable
from typing import ClassVar

from kilonova.model.errors import BadRequest, Conflict, MethodNotAllowed, NotFound


class ProviderNotFound(NotFound):
    def __init__(self, provider: str) -> None:
        super().__init__(f"No resource provider with uuid {provider} found")


class NoSuchMethod(MethodNotAllowed):
    """`allowed`: the methods there are, as in the header Allow."""

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"The method {method} is not allowed for this resource.")
        self.allowed = allowed


class UnknownProvider(BadRequest):
    """A body names a provider that is not there."""

    code: ClassVar[str] = "placement.resource_provider.not_found"

    def __init__(self, provider: str) -> None:
        super().__init__(f"The body names a resource provider that does not exist: {provider}")


class ProviderInUse(Conflict):
    code: ClassVar[str] = "placement.resource_provider.inuse"

    def __init__(self, provider: str) -> None:
        super().__init__(f"Unable to delete resource provider {provider}: Resource provider has allocations.")


class ProviderIsParent(Conflict):
    code: ClassVar[str] = "placement.resource_provider.cannot_delete_parent"

    def __init__(self, provider: str) -> None:
        super().__init__(f"Unable to delete parent resource provider {provider}: It has child resource providers.")


class InventoryInUse(Conflict):
    code: ClassVar[str] = "placement.inventory.inuse"

    def __init__(self, resource_classes: Iterable[str], provider: str) -> None:
        super().__init__(f"Inventory for '{', '.join(resource_classes)}' on resource provider '{provider}' in use.")


class ConcurrentUpdate(Conflict):
    """Somebody else changed it since the caller looked."""

    code: ClassVar[str] = "placement.concurrent_update"


class DuplicateName(Conflict):
    code: ClassVar[str] = "placement.duplicate_name"


class BadQuery(BadRequest):
    code: ClassVar[str] = "placement.query.bad_value"


class DuplicateQueryKey(BadRequest):
    code: ClassVar[str] = "placement.query.duplicate_key"


class MissingQueryValue(BadRequest):
    code: ClassVar[str] = "placement.query.missing_value"
