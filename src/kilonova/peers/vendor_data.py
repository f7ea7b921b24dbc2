"""What an operator, and services of theirs, tell guests: a JSON file, and answers of REST endpoints (nova.conf, [api]).

What endpoints are asked with, and that their answers stand under their names, is as in Nova's dynamic vendor data.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from kilonova.aio.blocking import blocking
from kilonova.contract.compute import ServerRecord
from kilonova.model.errors import Unavailable
from kilonova.virt.guest_metadata import VendorData

log = logging.getLogger(__name__)


class VendorSource:
    """`targets` are `NAME@URL`. With `fatal` a target that does not answer makes the whole answer Unavailable."""

    def __init__(
        self,
        *,
        static: Path | None = None,
        targets: Sequence[str] = (),
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 5.0,
        fatal: bool = False,
    ) -> None:
        self._static = static
        self._targets = [target.split("@", 1) for target in targets if "@" in target]
        self._fatal = fatal
        self._timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s)

    async def told(self, record: ServerRecord, hostname: str) -> VendorData:
        """Errors: Unavailable."""
        if self._static is None and not self._targets:
            return VendorData()
        return VendorData(static=await self._from_file(), dynamic=await self._asked(record, hostname))

    async def _from_file(self) -> Any:
        if self._static is None:
            return {}
        try:
            return msgspec.json.decode(await blocking(self._static.read_bytes))
        except (OSError, msgspec.DecodeError) as error:
            log.warning("vendor data: %s: %s", self._static, error)
            return {}

    async def _asked(self, record: ServerRecord, hostname: str) -> dict[str, Any]:
        if not self._targets:
            return {}
        body = {
            "project-id": record.project_id,
            "instance-id": record.id,
            "image-id": record.image_id,
            "user-data": record.user_data,
            "hostname": hostname,
            "metadata": record.metadata,
            "boot-roles": "",
        }
        async with httpx.AsyncClient(timeout=self._timeout, trust_env=False) as http:
            return {name: await self._ask(http, name, url, body) for name, url in self._targets}

    async def _ask(self, http: httpx.AsyncClient, name: str, url: str, body: dict[str, Any]) -> Any:
        try:
            answer = await http.post(url, json=body)
            answer.raise_for_status()
            return msgspec.json.decode(answer.content)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            log.warning("vendor data: %s at %s: %s", name, url, error)
            if self._fatal:
                raise Unavailable(f"The vendor data of {name} cannot be had.") from error
            return {}
