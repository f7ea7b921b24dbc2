"""Console tokens: consoleauth gives them out and proxies redeem them."""

from typing import Protocol

import msgspec

from kilonova.contract.message import call
from kilonova.model.ids import ServerId


class ConsoleTarget(msgspec.Struct, frozen=True, kw_only=True):
    """What a token is good for. `access_url_base` is the URL given out; its scheme is checked with the Origin."""

    server_id: ServerId
    console_type: str
    host: str
    port: int
    unix_path: str | None = None
    internal_access_path: str | None = None
    access_url_base: str = ""
    user_id: str = ""


class ConsoleAuth(Protocol):
    """Topic `consoleauth`."""

    @call()
    async def authorize(self, target: ConsoleTarget) -> str:
        """A new token. Only its hash is kept."""

    @call()
    async def redeem(self, token: str) -> ConsoleTarget:
        """Errors: ConsoleTokenInvalid (unknown, expired, used up)."""

    @call()
    async def look_up(self, token: str) -> ConsoleTarget:
        """What a token is good for, without using it up. Errors: ConsoleTokenInvalid."""

    @call()
    async def revoke(self, server_id: ServerId) -> None:
        """Forget all tokens of a server. Happy to find none."""
