"""The service catalog as tokens carry it."""

from collections import OrderedDict
from typing import Any

import msgspec
from sqlalchemy import select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.identity.store.tables import endpoints, services

_ENTRIES = Statement(
    select(
        services.c.id,
        services.c.type,
        services.c.name,
        endpoints.c.id,
        endpoints.c.interface,
        endpoints.c.region_id,
        endpoints.c.url,
    )
    .join(endpoints, endpoints.c.service_id == services.c.id)
    .where(services.c.enabled == 1, endpoints.c.enabled == 1)
    .order_by(services.c.type, services.c.id, endpoints.c.interface, endpoints.c.id)
)

_encode = msgspec.json.Encoder().encode

# Projects whose rendered catalog is kept; a validation every microsecond matters to.
_KEPT = 1000


class Catalog:
    """Endpoint URLs may hold `$(project_id)s` or `%(tenant_id)s` and the like; they are filled in per token."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._entries = entries
        self._rendered: OrderedDict[tuple[str | None, str], msgspec.Raw] = OrderedDict()
        urls = [endpoint["url"] for entry in entries for endpoint in entry["endpoints"]]
        self._varies = any("$(" in url or "%(" in url for url in urls)

    def for_token(self, project_id: str | None, user_id: str) -> msgspec.Raw:
        """The JSON list under `catalog`; endpoints that need a project are left out of tokens that have none."""
        key = (project_id, user_id) if self._varies else (None, "")
        found = self._rendered.get(key)
        if found is None:
            found = self._rendered[key] = msgspec.Raw(_encode(self._filled(project_id, user_id)))
            if len(self._rendered) > _KEPT:
                self._rendered.popitem(last=False)
        return found

    def _filled(self, project_id: str | None, user_id: str) -> list[dict[str, Any]]:
        shown = []
        for entry in self._entries:
            filled = [_fill(endpoint, project_id, user_id) for endpoint in entry["endpoints"]]
            shown.append({**entry, "endpoints": [endpoint for endpoint in filled if endpoint is not None]})
        return shown


def _fill(endpoint: dict[str, Any], project_id: str | None, user_id: str) -> dict[str, Any] | None:
    url: str = endpoint["url"]
    for mark in "$%":
        for name in ("project_id", "tenant_id"):
            pattern = f"{mark}({name})s"
            if pattern in url:
                if project_id is None:
                    return None
                url = url.replace(pattern, project_id)
        url = url.replace(f"{mark}(user_id)s", user_id)
    return {**endpoint, "url": url}


async def read_catalog(reader: Reader) -> Catalog:
    by_service: dict[str, dict[str, Any]] = {}
    for service_id, kind, name, endpoint_id, interface, region, url in await reader.fetch_all(_ENTRIES):
        entry = by_service.setdefault(service_id, {"id": service_id, "type": kind, "name": name or "", "endpoints": []})
        entry["endpoints"].append(
            {"id": endpoint_id, "interface": interface, "region": region, "region_id": region, "url": url}
        )
    return Catalog(list(by_service.values()))
