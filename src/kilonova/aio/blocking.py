"""Blocking calls, off the event loop, in one bounded pool."""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Disk and password work; eight is plenty for a host and keeps a burst from starving the loop.
_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="blocking")


async def blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` in the pool; contextvars do not follow. Costs about 50 us: only for work well above that."""
    return await asyncio.get_running_loop().run_in_executor(_pool, functools.partial(function, *args, **kwargs))
