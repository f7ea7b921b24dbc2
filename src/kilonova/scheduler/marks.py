"""Which profiles have what, for all profiles at once: sets of profile numbers, as bits.

A new shape of request is answered for every profile by a few operations on whole sets, however many kinds of host there
are; that is what keeps fleets fast in which every host is a kind of its own.
"""

from collections.abc import Hashable

Bits = int  # bit n: profile number n


# Facts of fewer profiles than this are kept as lists: a fact may be one profile's alone.
RARE = 32


class Marks:
    def __init__(self) -> None:
        self._rare: dict[Hashable, list[int]] = {}
        self._bits: dict[Hashable, bytearray] = {}
        self.count = 0

    def add(self, number: int, *facts: Hashable) -> None:
        """The next profile, which has these facts."""
        self.count = number + 1
        for fact in facts:
            if (bits := self._bits.get(fact)) is not None:
                _set(bits, number)
                continue
            rare = self._rare.setdefault(fact, [])
            rare.append(number)
            if len(rare) == RARE:
                del self._rare[fact]
                self._bits[fact] = bits = bytearray()
                for one in rare:
                    _set(bits, one)

    def of(self, fact: Hashable) -> Bits:
        bits = self._bits.get(fact)
        if bits is not None:
            return int.from_bytes(bits, "little")
        return sum(1 << number for number in self._rare.get(fact, ()))

    @property
    def everything(self) -> Bits:
        return (1 << self.count) - 1


def _set(bits: bytearray, number: int) -> None:
    place = number >> 3
    if len(bits) <= place:
        bits.extend(bytes(place + 1 - len(bits)))
    bits[place] |= 1 << (number & 7)


def zone(name: str) -> Hashable:
    return "zone", name


def trait(name: str) -> Hashable:
    return "trait", name
