"""Ids in URLs: numbers below 2.53, uuids since, for services and hypervisors."""

from kilonova.api.parameters import MAX_INTEGER
from kilonova.model.errors import BadRequest
from kilonova.model.ids import is_uuid_like


class InvalidUuid(BadRequest):
    def __init__(self, given: str) -> None:
        super().__init__(f"Invalid uuid {given}")


class InvalidNumber(BadRequest):
    def __init__(self, name: str = "id") -> None:
        super().__init__(f"Invalid input received: {name} must be an integer")


class NumberOutOfRange(BadRequest):
    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"Invalid input received: {name} must be an integer of 31 bits: {number}")


def uuid_of(text: str) -> str:
    """Errors: InvalidUuid."""
    if not is_uuid_like(text):
        raise InvalidUuid(text)
    return text


def number_of(text: str, name: str = "id") -> int:
    """Errors: InvalidNumber, NumberOutOfRange."""
    try:
        number = int(text)
    except ValueError as error:
        raise InvalidNumber(name) from error
    # What no database's integer holds is no id either.
    if abs(number) > MAX_INTEGER:
        raise NumberOutOfRange(name, number)
    return number
