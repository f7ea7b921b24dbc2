"""Changed servers, told to whoever listens: each state as it is read right after the change."""

import logging

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.contract.events import EventListener
from kilonova.db.database import Database
from kilonova.db.repository.server_changes import states_of
from kilonova.model.errors import Unavailable
from kilonova.model.ids import ServerId

log = logging.getLogger(__name__)

# Servers whose state is read in one statement.
AT_ONCE = 128


class Changes:
    """One teller at a time, so that the states of a server are told in the order in which they were read."""

    def __init__(self, db: Database, events: EventListener, clock: Clock, tasks: Tasks) -> None:
        self._db = db
        self._events = events
        self._clock = clock
        self._tasks = tasks
        self._untold: dict[ServerId, None] = {}
        self._telling = False

    def changed(self, server_id: ServerId) -> None:
        """Tell of it at once; what changes while others are told of is read together, next."""
        self._untold[server_id] = None
        if not self._telling:
            self._telling = True
            self._tasks.start(self._tell(), name="tell")

    async def _tell(self) -> None:
        try:
            while self._untold:
                some = list(self._untold)[:AT_ONCE]
                # Forgotten before the reading: a change after it is told once more.
                for server_id in some:
                    del self._untold[server_id]
                for event in await states_of(self._db, some, at=self._clock.now()):
                    await self._events.server_changed(event)
        except Unavailable as error:
            # Clients that fall back on lists lose nothing but time.
            log.info("nobody was told of changes: %s", error.message)
        finally:
            self._telling = False
