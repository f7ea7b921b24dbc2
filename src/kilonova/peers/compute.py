"""The compute service over REST, as its neighbours need it: to tell it that something of a server changed."""

from collections.abc import Iterable

from kilonova.web.client import RestClient


class ComputeClient:
    """`rest` has the endpoint without the version as its base. Calls need a token with the role service."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def network_changed(self, token: str, server_ids: Iterable[str]) -> None:
        """These servers' addresses are not what they were. Unknown servers are ignored by the other side."""
        events = [{"name": "network-changed", "server_uuid": server_id} for server_id in server_ids]
        if events:
            await self._rest.request("POST", "/v2.1/os-server-external-events", token=token, json={"events": events})

    async def close(self) -> None:
        await self._rest.close()
