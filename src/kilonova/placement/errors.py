"""Errors of placement. `code` is what Placement's clients look at from microversion 1.23 on."""

from typing import ClassVar

from kilonova.model.errors import BadRequest, Conflict, NotFound


class ProviderNotFound(NotFound):
    def __init__(self, provider: str) -> None:
        super().__init__(f"No resource provider with uuid {provider} found")


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

    def __init__(self, resource_class: str, provider: str) -> None:
        super().__init__(f"Inventory for '{resource_class}' on resource provider '{provider}' in use.")


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
