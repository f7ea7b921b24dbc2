"""A server's fault: what its owner reads when something went wrong."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.contract.scheduler import told_in_full
from kilonova.model.errors import InternalError, KilonovaError
from kilonova.model.time import Timestamp, short

# Nova's column width for `message`.
MOST = 255


def fault_of(error: KilonovaError, now: Timestamp, failures: Sequence[dict[str, Any]] = ()) -> str:
    """The fault as JSON text: code, created, message (≤ 255 characters), and details listing each attempt.

    Errors nobody foresaw show their class only; what they say may not be meant for tenants.
    """
    message = error.message
    if isinstance(error, InternalError):
        message = message.split(":", 1)[0]
    details = "\n".join(_attempt(failure) for failure in failures)
    if len(failures) > 1:
        message = f"Exceeded maximum number of retries ({len(failures)}). Last: {message}"
    document = {
        "code": 500,
        "created": short(now),
        "message": message if len(message) <= MOST else message[: MOST - 1] + "…",
        "details": details or error.message,
    }
    return msgspec.json.encode(document).decode()


def _attempt(failure: dict[str, Any]) -> str:
    where = f" on {failure['host']}" if failure.get("host") else ""
    return f"attempt {failure['attempt']}: {failure['step']}{where}: {failure['kind']}: {told_in_full(failure)}"
