"""What sections of nova.conf are made of."""

from typing import Any

import msgspec


def about(what: str, **bounds: Any) -> msgspec.Meta:
    return msgspec.Meta(description=what, **bounds)


def repeated(what: str) -> msgspec.Meta:
    """An option whose every occurrence counts, as oslo.config's MultiStrOpt."""
    return msgspec.Meta(description=what, extra={"repeated": True})


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of one section."""
