"""Structured values in text columns."""

from typing import Any

import msgspec

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


def packed(value: Any) -> str | None:
    return None if value is None else _encode(value).decode()


def unpacked(value: str | None) -> Any:
    return None if value is None else _decode(value)
