"""From `transport_url` to a bus."""

from kilonova.bus.bus import Bus
from kilonova.bus.local import LocalBus
from kilonova.config.options import OsloMessagingRabbit


async def connect(transport_url: str, rabbit: OsloMessagingRabbit | None = None) -> Bus:
    """`local://` (and Nova's `fake://`) is a bus in this process, `rabbit://…` the broker there.

    Errors: Unavailable when the broker does not answer, ValueError for a URL of another kind.
    """
    kind = transport_url.partition(":")[0]
    if kind in ("local", "fake"):
        return LocalBus()
    if kind in ("rabbit", "amqp"):
        # Some megabytes that one process alone does not need.
        from kilonova.bus.rabbit import connect_rabbit

        return await connect_rabbit(transport_url, rabbit or OsloMessagingRabbit())
    raise ValueError(f"Not a message queue this program knows: {kind}:// (local or rabbit)")
