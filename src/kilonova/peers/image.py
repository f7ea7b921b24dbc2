"""The image service as its users see it: Glance v2 by REST, ours or a real one."""

import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import msgspec

from kilonova.aio.blocking import blocking
from kilonova.model.errors import KilonovaError, Unavailable
from kilonova.model.ids import ImageId
from kilonova.model.image import Image, ImageStatus, Visibility
from kilonova.model.time import moment_of, stamp
from kilonova.observe import trace
from kilonova.web.client import RestClient
from kilonova.web.status import family_of

# The number of these requests in the picture of a create.
STEP = "19-21"
_PIECE = 256 * 1024
_JSON = {"Accept": "application/json"}
_STANDARD = frozenset(Image.__struct_fields__) - {"properties", "tags"}
_LINKS = frozenset({"self", "file", "schema", "tags", "locations", "direct_url", "stores"})


class ImageCorrupt(Unavailable):
    """What arrived does not have the hash the image service tells."""

    def __init__(self, image_id: str) -> None:
        super().__init__(f"The data of image {image_id} does not match its hash.")
        self.image_id = image_id


class ImageClient:
    """`rest` ends before `/v2`. Every call takes the token of whom it is made for; errors are families by status."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def show(self, image_id: str, token: str) -> Image:
        """Errors: NotFound, Unavailable."""
        path = f"/v2/images/{image_id}"
        return image_of(await self._rest.json("GET", path, token=token, headers=_JSON, step=STEP))

    async def list(self, token: str, **filters: str) -> "list[Image]":
        """All pages of the images that match, newest first."""
        found: list[Image] = []
        params = {"limit": "200", **filters}
        while True:
            page = await self._rest.json("GET", "/v2/images", token=token, headers=_JSON, params=params)
            found += [image_of(one) for one in page["images"]]
            if "next" not in page:
                return found
            params["marker"] = found[-1].id

    async def create(
        self, token: str, *, name: str, properties: Mapping[str, str] | None = None, **standard: Any
    ) -> Image:
        """A queued image. `standard`: disk_format, container_format, visibility, min_disk, min_ram, id, protected …"""
        body = {**(properties or {}), **standard, "name": name}
        return image_of(await self._rest.json("POST", "/v2/images", token=token, headers=_JSON, json=body))

    async def upload(self, image_id: str, bits: Path | AsyncIterable[bytes], token: str) -> None:
        """Errors: Conflict unless the image is queued, UnsupportedMedia for refused bits, TooLarge, Unavailable."""
        content = _pieces(bits) if isinstance(bits, Path) else bits
        headers = {**_JSON, "Content-Type": "application/octet-stream"}
        path = f"/v2/images/{image_id}/file"
        with trace.span(f"PUT {path}", kind="rest", target=self._rest.target):
            async with self._streamed("PUT", path, token, headers, content):
                pass

    async def download(self, image_id: str, token: str) -> AsyncIterator[bytes]:
        """The bits, in pieces. Errors: NotFound, Forbidden, Unavailable; ImageCorrupt after the last piece."""
        async for piece in self._verified(await self.show(image_id, token), token):
            yield piece

    async def _verified(self, image: Image, token: str) -> AsyncIterator[bytes]:
        path = f"/v2/images/{image.id}/file"
        hashed = hashlib.new(image.os_hash_algo or "sha512")
        async with self._streamed("GET", path, token, _JSON, None) as answer:
            async for piece in answer.aiter_raw():
                hashed.update(piece)
                yield piece
        if image.os_hash_value is not None and hashed.hexdigest() != image.os_hash_value:
            raise ImageCorrupt(image.id)

    async def save(self, image_id: str, path: Path, token: str) -> Image:
        """Download to `path`, durably; on any failure the file is removed. Errors as `download`."""
        with trace.span(f"GET /v2/images/{image_id}/file", kind="rest", target=self._rest.target, step=STEP):
            file = await blocking(open, path, "wb")
            try:
                image = await self.show(image_id, token)
                async for piece in self._verified(image, token):
                    await blocking(file.write, piece)
                await blocking(_settle, file)
            except BaseException:
                file.close()
                await blocking(path.unlink, missing_ok=True)
                raise
        return image

    async def change_properties(
        self, image_id: str, token: str, values: Mapping[str, str], *, forget: Iterable[str] = ()
    ) -> None:
        """Set custom properties and forget others. Errors: NotFound, Forbidden, Conflict, BadRequest."""
        patch = [{"op": "add", "path": f"/{_pointer(name)}", "value": value} for name, value in values.items()]
        patch += [{"op": "remove", "path": f"/{_pointer(name)}"} for name in forget]
        if not patch:
            return
        headers = {**_JSON, "Content-Type": "application/openstack-images-v2.1-json-patch"}
        async with self._streamed("PATCH", f"/v2/images/{image_id}", token, headers, _once(patch)):
            pass

    async def delete(self, image_id: str, token: str) -> None:
        """Errors: NotFound, Forbidden."""
        await self._rest.request("DELETE", f"/v2/images/{image_id}", token=token, headers=_JSON)

    @asynccontextmanager
    async def _streamed(
        self, method: str, path: str, token: str, headers: Mapping[str, str], content: AsyncIterable[bytes] | None
    ) -> AsyncIterator[httpx.Response]:
        try:
            async with self._rest.stream(method, path, token=token, content=content, headers=headers) as answer:
                if answer.status_code >= 400:
                    raise await _refusal(answer)
                yield answer
        except httpx.HTTPError as error:
            raise Unavailable(f"The {self._rest.target} service does not answer: {error}") from error


async def _refusal(answer: httpx.Response) -> KilonovaError:
    await answer.aread()
    told_in_json = "json" in answer.headers.get("content-type", "")
    return family_of(answer.status_code)(answer.json()["message"] if told_in_json else answer.text[:500])


def _pointer(name: str) -> str:
    """A property's name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


async def _once(document: object) -> AsyncIterator[bytes]:
    yield msgspec.json.encode(document)


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    file = await blocking(open, path, "rb", 0)
    try:
        while piece := await blocking(file.read, _PIECE):
            yield piece
    finally:
        file.close()


def image_of(shown: Mapping[str, Any]) -> Image:
    """An image as the API shows it; what is no attribute is a property."""
    standard = {name: value for name, value in shown.items() if name in _STANDARD}
    standard |= {
        "id": ImageId(shown["id"]),
        "status": ImageStatus(shown["status"]),
        "visibility": Visibility(shown["visibility"]),
        "created_at": stamp(moment_of(shown["created_at"])),
        "updated_at": stamp(moment_of(shown["updated_at"])),
    }
    others = {name: str(value) for name, value in shown.items() if name not in _STANDARD | _LINKS and value is not None}
    return Image(**standard, properties=others, tags=tuple(shown.get("tags", ())))
