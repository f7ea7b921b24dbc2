"""A REST client for our neighbours: httpx, over a socket or straight into an ASGI application of the same process.

Errors become our families again by status, with the peer's message; transport trouble becomes Unavailable. The trace
goes along as `traceparent` and `tracestate`.
"""

import ssl
from collections.abc import AsyncIterable, Mapping
from typing import Any

import httpx
import msgspec

from kilonova.model.errors import Unavailable
from kilonova.observe import trace
from kilonova.web.asgi_transport import AsgiTransport
from kilonova.web.status import family_of

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class RestClient:
    """`target` is the service's name in traces; `base_url` the endpoint up to and without the first path we give.

    `cafile`: certificates to trust instead of the system's.
    """

    def __init__(
        self, target: str, base_url: str, *, app: Any = None, timeout_s: float = 60.0, cafile: str | None = None
    ) -> None:
        self.target = target
        self.base_url = base_url.rstrip("/")
        self._transport = _over_sockets(cafile) if app is None else AsgiTransport(app)
        # Cookies, redirects and log-ins of a browser: only streams need a client around the transport.
        self._http = httpx.AsyncClient(transport=self._transport, timeout=timeout_s, trust_env=False)
        self._extensions = {"timeout": httpx.Timeout(timeout_s).as_dict()}

    async def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        step: str = "",
        ok: frozenset[int] | None = None,
    ) -> httpx.Response:
        """The answer when its status is below 400 (or in `ok`). Errors: the family of the status, Unavailable."""
        with trace.span(f"{method} {path.split('?')[0]}", kind="rest", target=self.target, step=step):
            sent = self._headers(token, headers)
            content = None
            if json is not None:
                content = _encode(json)
                sent["Content-Type"] = "application/json"
            request = httpx.Request(
                method, self.base_url + path, content=content, params=params, headers=sent, extensions=self._extensions
            )
            try:
                answer = await self._whole(request)
            except httpx.HTTPError as error:
                raise Unavailable(f"The {self.target} service does not answer: {error}") from error
            if answer.status_code >= 400 and (ok is None or answer.status_code not in ok):
                raise family_of(answer.status_code)(_message(answer))
            return answer

    async def _whole(self, request: httpx.Request) -> httpx.Response:
        """The answer with all of its body."""
        answer = await self._transport.handle_async_request(request)
        answer.request = request
        try:
            await answer.aread()
        finally:
            await answer.aclose()
        return answer

    async def json(self, method: str, path: str, **kwargs: Any) -> Any:
        """The answer's JSON, or None when it has no body. Arguments and errors as `request`."""
        answer = await self.request(method, path, **kwargs)
        return _decode(answer.content) if answer.content else None

    def stream(self, method: str, path: str, *, token: str | None, content: AsyncIterable[bytes] | None = None,
               headers: Mapping[str, str] | None = None) -> Any:  # fmt: skip
        """`async with client.stream(…) as answer`, then `answer.aiter_bytes()`; check `answer.status_code` first."""
        return self._http.stream(method, self.base_url + path, headers=self._headers(token, headers), content=content)

    def _headers(self, token: str | None, more: Mapping[str, str] | None) -> dict[str, str]:
        sent = dict(more or {})
        if token is not None:
            sent["X-Auth-Token"] = token
        if (traceparent := trace.header()) is not None:
            sent["traceparent"] = traceparent
        if (tracestate := trace.state()) is not None:
            sent["tracestate"] = tracestate
        return sent

    async def close(self) -> None:
        await self._http.aclose()


def _over_sockets(cafile: str | None) -> httpx.AsyncHTTPTransport:
    trusted = True if cafile is None else ssl.create_default_context(cafile=cafile)
    return httpx.AsyncHTTPTransport(trust_env=False, verify=trusted)


def _message(answer: httpx.Response) -> str:
    """The human part of an error body, whichever of OpenStack's shapes it has."""
    try:
        body = _decode(answer.content)
    except msgspec.DecodeError:
        return answer.text[:500] or f"HTTP {answer.status_code}"
    while isinstance(body, dict) and body:
        if isinstance(body.get("message"), str):
            return str(body["message"])
        if isinstance(body.get("detail"), str):
            return str(body["detail"])
        body = next(iter(body.values()))
        if isinstance(body, list) and body:
            body = body[0]
    return str(body)[:500]
