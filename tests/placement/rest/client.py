"""A client of Placement's REST API, and what most tests ask about."""

from typing import Any

import httpx

RP = "10000000-0000-4000-8000-000000000001"
CHILD = "10000000-0000-4000-8000-000000000002"
OTHER = "10000000-0000-4000-8000-000000000003"
AGGREGATE = "30000000-0000-4000-8000-000000000001"
SERVER = "20000000-0000-4000-8000-000000000001"


class Client:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def __call__(
        self, method: str, path: str, body: Any = None, *, minor: int = 39, status: int = 200, token: str = "admin"
    ) -> Any:
        answer = await self.ask(method, path, body, minor=minor, status=status, token=token)
        return answer.json() if answer.content else None

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        minor: int = 39,
        status: int = 200,
        token: str = "admin",
        **headers: str,
    ) -> httpx.Response:
        """The whole answer; `headers` by names with underscores."""
        sent = {"x-auth-token": token, "openstack-api-version": f"placement 1.{minor}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = {"content": body} if isinstance(body, str) else {"json": body}
        answer = await self.http.request(method, path, headers=sent, **content)
        assert answer.status_code == status, answer.text
        return answer

    async def refusal(self, method: str, path: str, body: Any = None, *, status: int = 400, minor: int = 39) -> str:
        """`code: detail` of an error."""
        error = (await self(method, path, body, status=status, minor=minor))["errors"][0]
        return f"{error.get('code')}: {error['detail']}"

    async def provider(self, uuid: str, name: str, parent: str | None = None, **stock: int) -> None:
        await self("POST", "/resource_providers", {"uuid": uuid, "name": name, "parent_provider_uuid": parent})
        if stock:
            await self(
                "PUT",
                f"/resource_providers/{uuid}/inventories",
                {
                    "resource_provider_generation": 0,
                    "inventories": {resource: {"total": total} for resource, total in stock.items()},
                },
            )


def allocation(generation: int | None = None, **resources: int) -> dict[str, Any]:
    return {
        "allocations": {RP: {"resources": resources}} if resources else {},
        "project_id": "red",
        "user_id": "anna",
        "consumer_generation": generation,
        "consumer_type": "INSTANCE",
    }
