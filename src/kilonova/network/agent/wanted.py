"""What the agent has been rung for and not asked about yet, and how an answer joins what it knows."""

import asyncio
from collections.abc import Iterable
from typing import Protocol, TypeVar

from kilonova.contract.network_agent import Ask, HostState


class _Named(Protocol):
    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=_Named)


class Wanted:
    """Bells gathered into one question."""

    def __init__(self) -> None:
        self._networks: set[str] = set()
        self._routers: set[str] = set()
        self._groups: set[str] = set()
        self._everything = False
        self._bell = asyncio.Event()

    def ring(
        self,
        *,
        networks: Iterable[str] = (),
        routers: Iterable[str] = (),
        groups: Iterable[str] = (),
        everything: bool = False,
    ) -> None:
        self._networks.update(networks)
        self._routers.update(routers)
        self._groups.update(groups)
        self._everything |= everything
        self._bell.set()

    async def rung(self) -> None:
        await self._bell.wait()

    def take(self) -> Ask | None:
        """All bells until now as one question; None when there were none."""
        self._bell.clear()
        if not (self._everything or self._networks or self._routers or self._groups):
            return None
        ask = Ask(
            networks=tuple(sorted(self._networks)),
            routers=tuple(sorted(self._routers)),
            groups=tuple(sorted(self._groups)),
            everything=self._everything,
        )
        self._networks, self._routers, self._groups, self._everything = set(), set(), set(), False
        return ask

    def put_back(self, ask: Ask) -> None:
        """The question could not be answered, or the answer not be carried out."""
        self.ring(networks=ask.networks, routers=ask.routers, groups=ask.groups, everything=ask.everything)

    @staticmethod
    def merged(known: HostState, ask: Ask, answer: HostState) -> HostState:
        """`known` with the answered parts new, and those asked for and not answered gone."""
        if ask.everything:
            return answer
        return HostState(
            networks=_merged(known.networks, ask.networks, answer.networks),
            routers=_merged(known.routers, ask.routers, answer.routers),
            groups=_merged(known.groups, ask.groups, answer.groups),
        )


def _merged(known: tuple[N, ...], asked: tuple[str, ...], answered: tuple[N, ...]) -> tuple[N, ...]:
    kept = {one.id: one for one in known if one.id not in asked}
    kept.update((one.id, one) for one in answered)
    return tuple(kept.values())
