"""A server's fault: what its owner reads when something went wrong."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.contract.scheduler import NoValidHost, told_in_full
from kilonova.model.errors import InternalError, KilonovaError
from kilonova.model.time import Timestamp, short

# Nova's column width for `message`.
MOST = 255
MOST_TRIED = 80


def fault_of(error: KilonovaError, now: Timestamp, failures: Sequence[dict[str, Any]] = ()) -> str:
    """The fault as JSON text: code, created, message (≤ 255 characters), and details listing each attempt.

    Errors nobody foresaw show their class only; what they say may not be meant for tenants.
    """
    details = "\n".join(_attempt(failure) for failure in failures)
    tries = _tries(error, failures) if len(failures) > 1 else ""
    document = {
        "code": 500,
        "created": short(now),
        "message": tries + _message(error, MOST - len(tries)),
        "details": details or error.message,
    }
    return msgspec.json.encode(document).decode()


def _tries(error: KilonovaError, failures: Sequence[dict[str, Any]]) -> str:
    """Where no host was left to try, what went wrong on the last that was: that is why."""
    text = f"Exceeded maximum number of retries ({len(failures)}). Last: "
    tried = [failure for failure in failures if failure["kind"] != NoValidHost.__name__]
    if isinstance(error, NoValidHost) and tried:
        # As of errors nobody foresaw, what comes behind the colon may not be meant for tenants.
        return f"{text}{tried[-1]['message'].split(':', 1)[0][:MOST_TRIED]}. Then: "
    return text


def _message(error: KilonovaError, most: int) -> str:
    if isinstance(error, NoValidHost):
        return error.within(most)
    message = error.message.split(":", 1)[0] if isinstance(error, InternalError) else error.message
    return message if len(message) <= most else message[: most - 1] + "…"


def _attempt(failure: dict[str, Any]) -> str:
    where = f" on {failure['host']}" if failure.get("host") else ""
    return f"attempt {failure['attempt']}: {failure['step']}{where}: {failure['kind']}: {told_in_full(failure)}"
