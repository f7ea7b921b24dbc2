"""JSON bodies, checked by schema."""

from typing import Any

import jsonschema_rs

from kilonova.identity.api.documents import IdentityRequest
from kilonova.identity.errors import InvalidInput

Schema = dict[str, Any]

NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}
SHORT_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"\S"}
ID: Schema = {"type": "string", "minLength": 1, "maxLength": 36}
NULLABLE_ID: Schema = {"type": ["string", "null"], "minLength": 1, "maxLength": 36}
TEXT: Schema = {"type": "string"}
NULLABLE_TEXT: Schema = {"type": ["string", "null"]}
FLAG: Schema = {"type": "boolean"}
OPTIONS: Schema = {"type": "object"}
TAG: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]*$"}
TAGS: Schema = {"type": "array", "items": TAG, "maxItems": 80, "uniqueItems": True}

# Made by us: what a client sends in their place is dropped.
_OURS = ("id", "links", "extra", "password_hash", "password_expires_at")


class Body:
    """What a noun's body may hold. Unknown attributes are kept unless `closed`."""

    def __init__(self, noun: str, properties: Schema, *, required: tuple[str, ...] = (), closed: bool = False) -> None:
        self.noun = noun
        schema = {
            "type": "object",
            "properties": properties,
            "required": list(required),
            "additionalProperties": not closed,
        }
        self._creation = jsonschema_rs.validator_for(schema)
        self._update = jsonschema_rs.validator_for({**schema, "required": [], "minProperties": 1})

    async def creation(self, request: IdentityRequest, *, keep: tuple[str, ...] = ()) -> dict[str, Any]:
        """What is under the noun's name. Errors: InvalidInput, BadRequest, TooLarge."""
        return await self._read(request, self._creation, keep)

    async def update(self, request: IdentityRequest) -> dict[str, Any]:
        return await self._read(request, self._update, ())

    async def _read(
        self, request: IdentityRequest, validator: jsonschema_rs.Validator, keep: tuple[str, ...]
    ) -> dict[str, Any]:
        document = await request.document()
        told = document.get(self.noun) if isinstance(document, dict) else None
        if not isinstance(told, dict):
            raise InvalidInput(f"Expecting to find {self.noun} in the request body.")
        for error in validator.iter_errors(told):
            field = ".".join(str(part) for part in error.instance_path) or self.noun
            raise InvalidInput(f"Invalid input for field '{field}': {error.message}")
        return {name: value for name, value in told.items() if name in keep or name not in _OURS}
