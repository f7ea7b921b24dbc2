"""`Idempotency-Key`: a call that is sent again, because its answer was lost, does nothing and gets the first answer."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from starlette.responses import Response

from kilonova.api.request import Request
from kilonova.db.database import Reader, Transaction
from kilonova.db.repository import idempotency
from kilonova.model.errors import BadRequest, Conflict, KilonovaError
from kilonova.model.time import Timestamp

# How long an answer is kept, seconds; the duty `spent_records` takes it out after that.
KEPT_S = 24 * 3600.0

_HEADER = "idempotency-key"
_LONGEST = 255
_REPEATED = "Location"

_encode = msgspec.json.Encoder(order="sorted").encode


class MalformedKey(BadRequest):
    def __init__(self) -> None:
        super().__init__(f"Idempotency-Key must have 1 to {_LONGEST} printable ASCII characters.")


class KeyUsedOtherwise(Conflict):
    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key} was used for another request.")
        self.key = key


class Once(Protocol):
    """What the work of a call tells its transaction: at its begin, and with the answer at its end."""

    async def claim(self, tx: Transaction) -> None: ...

    async def keep(self, tx: Transaction, answer: Response) -> None: ...


Work = Callable[[Once], Awaitable[Response]]


class _Unkeyed:
    async def claim(self, tx: Transaction) -> None:
        pass

    async def keep(self, tx: Transaction, answer: Response) -> None:
        pass


class _Keyed:
    def __init__(self, request: Request, key: str) -> None:
        self._world = request.world
        self._project_id = request.project_id
        self._key = key
        # The user too: an answer may hold a password, which is not for others of the project.
        asked: Any = [request.caller.user_id, request.method, request.route.path, request.version, request.body]
        self._body_hash = hashlib.sha256(_encode(asked)).hexdigest()

    async def claim(self, tx: Transaction) -> None:
        clock = self._world.clock
        await idempotency.claim(
            tx,
            self._project_id,
            self._key,
            body_hash=self._body_hash,
            now=clock.now(),
            kept_since=kept_since(clock.after),
        )

    async def keep(self, tx: Transaction, answer: Response) -> None:
        headers = {_REPEATED: answer.headers[_REPEATED]} if _REPEATED in answer.headers else {}
        body = bytes(answer.body).decode()
        await idempotency.keep(tx, self._project_id, self._key, status=answer.status_code, headers=headers, body=body)

    async def first_answer(self) -> Response | None:
        """Errors: KeyUsedOtherwise."""
        return await self._found(self._world.db)

    async def answer_of_twin(self) -> Response | None:
        """As `first_answer`, once what a faster twin wrote is durable. Errors: KeyUsedOtherwise."""
        async with self._world.db.begin() as tx:
            # A transaction with a bell waits for the commit of all it could see.
            tx.after_commit(lambda: None)
            return await self._found(tx)

    async def _found(self, db: Reader) -> Response | None:
        since = kept_since(self._world.clock.after)
        kept = await idempotency.find(db, self._project_id, self._key, kept_since=since)
        if kept is None:
            return None
        if kept.body_hash != self._body_hash:
            raise KeyUsedOtherwise(self._key)
        return Response(kept.body, kept.status, kept.headers, "application/json")


async def once(request: Request, work: Work) -> Response:
    """The answer of `work`, or that of the same call before. Without the header `work` is just done.

    Only success is kept: what failed did nothing, and may be tried again. Errors: MalformedKey, KeyUsedOtherwise.
    """
    key = request.headers.get(_HEADER)
    if key is None:
        return await work(_Unkeyed())
    if not 1 <= len(key) <= _LONGEST or not (key.isascii() and key.isprintable()):
        raise MalformedKey
    keyed = _Keyed(request, key)
    if (answer := await keyed.first_answer()) is not None:
        return answer
    try:
        return await work(keyed)
    except KilonovaError:
        # The same call came twice at once and the other was faster: it has the key, maybe the port or the quota too.
        answer = await keyed.answer_of_twin()
        if answer is None:
            raise
        return answer


def kept_since(after: Callable[[float], Timestamp]) -> Timestamp:
    """Answers older than this are as if they had never been."""
    return after(-KEPT_S)
