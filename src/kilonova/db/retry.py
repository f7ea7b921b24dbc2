"""Work tried again when the database gives a transaction up in favour of another."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from kilonova.db.errors import TryAgain

log = logging.getLogger(__name__)

T = TypeVar("T")

# The first pause is up to this long, each further one up to twice the one before.
FIRST_PAUSE_S = 0.01


async def run_again(
    begin: Callable[[], AbstractAsyncContextManager[Any]], work: Callable[[Any], Awaitable[T]], *, tries: int
) -> T:
    """`work` in a transaction, at most `tries` times. Errors: TryAgain after the last."""
    for attempt in range(1, tries):
        try:
            async with begin() as transaction:
                return await work(transaction)
        except TryAgain as error:
            log.debug("transaction given up by the database, trying again: %s", error.message)
        # The whole range, not around a middle: two that met must not meet again.
        await asyncio.sleep(random.random() * FIRST_PAUSE_S * 2**attempt)
    async with begin() as transaction:
        return await work(transaction)
