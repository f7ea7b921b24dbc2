"""URLs to handlers: a tree of path segments, so that a look-up costs the same with five routes or five hundred."""

from collections.abc import Callable
from typing import Generic, TypeVar

H = TypeVar("H")


class _Node(Generic[H]):
    __slots__ = ("handlers", "literals", "name", "rest", "variable")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[H]] = {}
        self.variable: _Node[H] | None = None
        self.name = ""
        self.rest: _Node[H] | None = None
        self.handlers: dict[str, tuple[H, tuple[str, ...]]] = {}


class Found(Generic[H]):
    """A match: the handler and what the path's variables stood for."""

    __slots__ = ("handler", "params")

    def __init__(self, handler: H, params: dict[str, str]) -> None:
        self.handler = handler
        self.params = params


class Router(Generic[H]):
    """`{name}` matches one segment, `{name:path}` at the end all that is left. Literal segments win over variables."""

    def __init__(self) -> None:
        self._root: _Node[H] = _Node()

    def add(self, method: str, path: str, handler: H) -> None:
        node = self._root
        names: list[str] = []
        for segment in _segments(path):
            if segment.endswith(":path}"):
                names.append(segment[1:-6])
                node.rest = node.rest or _Node()
                node = node.rest
            elif segment.startswith("{"):
                names.append(segment[1:-1])
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(segment, _Node())
        if method in node.handlers:
            raise ValueError(f"{method} {path} is routed twice")
        node.handlers[method] = (handler, tuple(names))

    def route(self, method: str, path: str) -> Callable[[H], H]:
        """`@router.route("GET", "/v3/projects/{project_id}")`."""

        def register(handler: H) -> H:
            self.add(method, path, handler)
            return handler

        return register

    def find(self, method: str, path: str) -> Found[H] | None:
        node, values = self._walk(path)
        if node is None:
            return None
        entry = node.handlers.get(method)
        if entry is None:
            return None
        handler, names = entry
        return Found(handler, dict(zip(names, values, strict=True)))

    def methods(self, path: str) -> list[str]:
        """Methods the path answers to; empty when there is no such path."""
        node, _ = self._walk(path)
        return [] if node is None else sorted(node.handlers)

    def _walk(self, path: str) -> tuple[_Node[H] | None, list[str]]:
        segments = _segments(path)
        values: list[str] = []
        return _descend(self._root, segments, 0, values), values


def _descend(node: "_Node[H]", segments: list[str], index: int, values: list[str]) -> "_Node[H] | None":
    if index == len(segments):
        return node if node.handlers else None
    segment = segments[index]
    literal = node.literals.get(segment)
    if literal is not None and (found := _descend(literal, segments, index + 1, values)) is not None:
        return found
    if node.variable is not None and segment:
        values.append(segment)
        if (found := _descend(node.variable, segments, index + 1, values)) is not None:
            return found
        values.pop()
    if node.rest is not None:
        values.append("/".join(segments[index:]))
        return node.rest
    return None


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/") if path.strip("/") else []
