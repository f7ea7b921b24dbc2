"""Time as text: ISO 8601, UTC, six digits, no zone (`2026-11-21T07:26:45.123456`).

It sorts as text on every database, needs no conversion on the way to a client, and people can read it in a row.
"""

from datetime import UTC, datetime, timedelta
from typing import NewType

Timestamp = NewType("Timestamp", str)


def stamp(moment: datetime) -> Timestamp:
    """`moment` (aware, any zone) as a Timestamp."""
    return Timestamp(moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds"))


def stamp_of_unix(seconds: float) -> Timestamp:
    return stamp(datetime.fromtimestamp(seconds, UTC))


def moment_of(text: str) -> datetime:
    """The aware datetime a Timestamp (or any ISO text; no zone means UTC) stands for. Errors: ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def later(text: str, *, seconds: float) -> Timestamp:
    return stamp(moment_of(text) + timedelta(seconds=seconds))


def short(text: str | None) -> str | None:
    """`2026-11-21T07:26:45Z`: how `created` and `updated` are shown."""
    return None if text is None else text[:19] + "Z"
