"""Links to resources: `self` has the version in it, `bookmark` has not; the project only if it was in the request."""

from urllib.parse import urlencode

from kilonova.api.request import Request

Link = dict[str, str]


def links(request: Request, collection: str, identifier: str) -> list[Link]:
    return [
        {"rel": "self", "href": f"{request.self_base}/{collection}/{identifier}"},
        {"rel": "bookmark", "href": f"{request.bookmark_base}/{collection}/{identifier}"},
    ]


def bookmark(request: Request, collection: str, identifier: str) -> list[Link]:
    return [{"rel": "bookmark", "href": f"{request.bookmark_base}/{collection}/{identifier}"}]


def next_link(request: Request, path: str, marker: str) -> list[Link]:
    """The page after `marker`: all query parameters again, sorted, with the marker replaced."""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name != "marker"]
    pairs.append(("marker", marker))
    return [{"rel": "next", "href": f"{request.self_base}/{path}?{urlencode(sorted(pairs))}"}]
