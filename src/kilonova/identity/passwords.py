"""Password and secret hashes: argon2id, off the event loop."""

import asyncio
import ctypes
import functools
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kilonova.identity.settings import IdentitySettings

P = ParamSpec("P")
T = TypeVar("T")

# So long after the last password the memory for checking them is given back.
_QUIET_S = 5.0


class Passwords:
    """Two threads at most: each hash holds 19 MiB while it works, and a storm of logins must not take all CPUs."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_time_cost,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        _share_one_arena()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
        self._nobody: str | None = None
        self._trim: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        self._nobody = await self.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        return await self._off_the_loop(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` is the one; None (no such user, no password) is never right and takes just as long."""
        against = password_hash or self._nobody
        assert against is not None
        right = await self._off_the_loop(self._matches, against, password)
        return right and password_hash is not None

    async def _off_the_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, functools.partial(work, *args, **kwargs))
        finally:
            if self._trim is not None:
                self._trim.cancel()
            self._trim = loop.call_later(_QUIET_S, self._give_back)

    def _give_back(self) -> None:
        """glibc keeps the 19 MiB of each thread for next time; a cloud that is idle has better use for them."""
        self._trim = None
        trim = _from_libc("malloc_trim")
        if trim is not None:
            self._threads.submit(trim, 0)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        if self._trim is not None:
            self._trim.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)


# <malloc.h> of glibc.
_M_ARENA_MAX = -8


def _share_one_arena() -> None:
    """Threads made from now on allocate where the main one does: only that memory can be given back later.

    Memory of its own per thread buys little here, where Python's lock lets one thread allocate at a time.
    """
    mallopt = _from_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def _from_libc(name: str) -> Callable[..., int] | None:
    """None where libc is not glibc."""
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    return found
