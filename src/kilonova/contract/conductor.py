"""What compute hosts and the api say to the conductor."""

from typing import Protocol

import msgspec

from kilonova.contract.compute import Outcome, ServerRecord
from kilonova.contract.message import call, cast
from kilonova.contract.scheduler import HostUpdate
from kilonova.model.fitting.host import Fit
from kilonova.model.ids import HostName, SagaId, ServerId
from kilonova.model.move_progress import MoveProgress
from kilonova.observe.trace import Span


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A server the record has on a host, and how it should be; `gone` ones are recorded as deleted and may go."""

    server_id: ServerId
    vm_state: str
    task_state: str | None
    power_state: int = 0
    gone: bool = False


class PlacedFit(msgspec.Struct, frozen=True, kw_only=True):
    """The very CPUs, pages and devices a server has on a host; `old`: kept for the case that a move is taken back."""

    host: HostName
    fit: Fit
    old: bool = False


class Conductor(Protocol):
    """Topic `conductor`."""

    @cast(step="8-9")
    async def wake(self, saga_id: SagaId) -> None:
        """A bell: there is work. Lost ones are made up for by the sweep."""

    @call(step="14-18")
    async def server(self, server_id: ServerId) -> ServerRecord:
        """Who is this server? Errors: ServerNotFound."""

    @call()
    async def fits(self, server_id: ServerId) -> tuple[PlacedFit, ...]:
        """What is claimed for the server beyond amounts, wherever; for most servers nothing."""

    @call(step="28")
    async def outcome(self, outcome: Outcome) -> None:
        """Record how an order ended; again with the same key changes nothing."""

    @call()
    async def guest_password(self, server_id: ServerId) -> str:
        """The password the guest has told (encrypted by it), '' when it has told none. Errors: ServerNotFound."""

    @call()
    async def tell_guest_password(self, server_id: ServerId, password: str) -> None:
        """Keep what the guest tells. Errors: ServerNotFound, PasswordAlreadySet."""

    @cast()
    async def guest_changed(self, host: HostName, server_id: ServerId, power_state: int) -> None:
        """The hypervisor told of a change nobody ordered (a guest powered itself off)."""

    @cast()
    async def live_progress(self, server_id: ServerId, progress: MoveProgress) -> None:
        """How far the server's live migration is."""

    @call()
    async def report(self, update: HostUpdate) -> None:
        """A host is alive and this is what it has."""

    @call()
    async def expected(self, host: HostName, known: tuple[ServerId, ...]) -> tuple[Expected, ...]:
        """What the record has on this host, and what became of `known` guests that it does not have."""

    @cast()
    async def spans(self, spans: tuple[Span, ...]) -> None:
        """Keep these with their trace."""
