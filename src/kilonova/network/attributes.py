"""What a resource is made of in the API, and how a body becomes values. Words of refusals are Neutron's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kilonova.network.errors import HTTPBadRequest, PolicyNotAuthorized

Check = Callable[[Any], Any]

REQUIRED = object()


@dataclass(frozen=True)
class Attribute:
    """One attribute: `check` turns a given value into ours or raises ValueError with the reason.

    `column` is its place in the table when named otherwise; None: no column of its own. `privileged` ones may be given
    by the cloud's administrators and services only.
    """

    check: Check
    default: Any = None
    column: str | None = ""
    post: bool = True
    put: bool = True
    privileged: bool = False
    filters: bool = True


@dataclass(frozen=True)
class Resource:
    """A kind of thing: `member` and `collection` are its keys in bodies, `path` its URL segment."""

    member: str
    collection: str
    path: str
    attributes: Mapping[str, Attribute]
    aliases: Mapping[str, str] = field(default_factory=lambda: {"tenant_id": "project_id"})

    def column(self, name: str) -> str | None:
        """The table's column of an attribute, None when it has none."""
        attribute = self.attributes[name]
        return name if attribute.column == "" else attribute.column

    def parse_new(self, body: Any, *, privileged: bool) -> dict[str, Any]:
        """Values of all attributes a create takes, defaults filled in. Errors: HTTPBadRequest, PolicyNotAuthorized."""
        given = self._known(body)
        for name in given:
            if not self.attributes[name].post:
                raise HTTPBadRequest(f"Attribute '{name}' not allowed in POST")
        self._allow(given, "create", privileged)
        values = {}
        for name, attribute in self.attributes.items():
            if not attribute.post:
                continue
            if name in given:
                values[name] = self._checked(name, given[name])
            elif attribute.default is REQUIRED:
                raise HTTPBadRequest(f"Failed to parse request. Required attribute '{name}' not specified")
            else:
                values[name] = attribute.default
        return values

    def parse_changes(self, body: Any, *, privileged: bool) -> dict[str, Any]:
        """Values of the attributes given to an update. Errors as `parse_new`."""
        given = self._known(body)
        for name in given:
            if not self.attributes[name].put:
                raise HTTPBadRequest(f"Cannot update read-only attribute {name}")
        self._allow(given, "update", privileged)
        return {name: self._checked(name, value) for name, value in given.items()}

    def _known(self, body: Any) -> dict[str, Any]:
        if not isinstance(body, dict):
            raise HTTPBadRequest(f"Resource body required: {self.member}")
        given = {self.aliases.get(name, name): value for name, value in body.items()}
        unknown = sorted(name for name in given if name not in self.attributes)
        if unknown:
            raise HTTPBadRequest(f"Unrecognized attribute(s) '{', '.join(unknown)}'")
        return given

    def _allow(self, given: Mapping[str, Any], verb: str, privileged: bool) -> None:
        for name in given:
            if self.attributes[name].privileged and not privileged:
                raise PolicyNotAuthorized(f"rule:{verb}_{self.member}:{name}")

    def _checked(self, name: str, value: Any) -> Any:
        try:
            return self.attributes[name].check(value)
        except ValueError as error:
            raise HTTPBadRequest(f"Invalid input for {name}. Reason: {error}.") from error
