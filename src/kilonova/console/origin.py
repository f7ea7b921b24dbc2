"""May a page of that origin open a console here? Pure. Source of the rules: Nova's console proxies (OSSA-2015-005)."""

from collections.abc import Iterable
from urllib.parse import urlsplit


def origin_allowed(
    origin: str | None, *, host: str, given_out: str, allowed: Iterable[str], forwarded_scheme: str | None = None
) -> bool:
    """`origin` and `host` are the request's headers, `given_out` the URL the user got, `allowed` further host names.

    Browsers always send an Origin; programs that send none are no browser and cannot be tricked by a page.
    `forwarded_scheme` (X-Forwarded-Proto) is what a proxy before us was spoken to in; a page cannot set it.
    """
    if origin is None:
        return True
    parts = urlsplit(origin)
    if not parts.hostname:
        return False
    known = {_name(host), *(_name(one) for one in allowed)}
    if parts.hostname not in known:
        return False
    wanted = urlsplit(given_out).scheme
    return not wanted or _plain(wanted) == _plain(forwarded_scheme or parts.scheme)


def _name(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def _plain(scheme: str) -> str:
    return {"ws": "http", "wss": "https"}.get(scheme, scheme)
