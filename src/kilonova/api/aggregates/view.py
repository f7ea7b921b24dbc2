"""An aggregate as clients see it, by version. Source of members and types: the API samples of aggregates."""

from typing import Any

from kilonova.api.request import Request
from kilonova.model.aggregate import Aggregate


def created(request: Request, aggregate: Aggregate) -> dict[str, Any]:
    """The answer to a create leaves hosts and metadata out, as it always did."""
    shown = {
        "id": aggregate.number,
        "name": aggregate.name,
        "availability_zone": aggregate.zone,
        "created_at": aggregate.created_at,
        "updated_at": aggregate.updated_at,
        "deleted": False,
        "deleted_at": None,
    }
    return shown | {"uuid": aggregate.id} if request.version >= 41 else shown


def full(request: Request, aggregate: Aggregate) -> dict[str, Any]:
    return {**created(request, aggregate), "hosts": aggregate.hosts, "metadata": aggregate.metadata}
