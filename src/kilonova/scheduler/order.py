"""Hosts sorted by score: best first, cheap to change.

A sorted list in chunks: adding and removing moves at most a chunk's worth of pointers, however many hosts there are.
"""

import math
from bisect import bisect_left, insort
from typing import Generic, TypeVar

Entry = tuple[float, int]  # minus the score, the host's number

# Stands behind all others, for want of one.
NO_ENTRY: Entry = (math.inf, -1)

CHUNK = 512


E = TypeVar("E", bound=tuple[float, int] | tuple[float, int, int])


class Order(Generic[E]):
    """`chunks`, one behind the other, hold every entry in order. Not to be changed while they are walked."""

    __slots__ = ("_lasts", "chunks", "count")

    def __init__(self) -> None:
        self.chunks: list[list[E]] = []
        self._lasts: list[E] = []
        self.count = 0

    def fill(self, entries: list[E]) -> None:
        """All at once, instead of what there was."""
        entries = sorted(entries)
        self.chunks = [entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK)]
        self._lasts = [chunk[-1] for chunk in self.chunks]
        self.count = len(entries)

    def add(self, entry: E) -> None:
        self.count += 1
        if not self.chunks:
            self.chunks.append([entry])
            self._lasts.append(entry)
            return
        position = bisect_left(self._lasts, entry)
        if position == len(self._lasts):
            position -= 1
            self.chunks[position].append(entry)
            self._lasts[position] = entry
        else:
            insort(self.chunks[position], entry)
        if len(self.chunks[position]) > 2 * CHUNK:
            self._split(position)

    def _split(self, position: int) -> None:
        chunk = self.chunks[position]
        self.chunks[position : position + 1] = [chunk[:CHUNK], chunk[CHUNK:]]
        self._lasts[position : position + 1] = [chunk[CHUNK - 1], chunk[-1]]

    def remove(self, entry: E) -> None:
        """Errors: KeyError when it is not there."""
        position = bisect_left(self._lasts, entry)
        if position == len(self._lasts):
            raise KeyError(entry)
        chunk = self.chunks[position]
        index = bisect_left(chunk, entry)
        if chunk[index] != entry:
            raise KeyError(entry)
        del chunk[index]
        self.count -= 1
        if not chunk:
            del self.chunks[position], self._lasts[position]
        elif index == len(chunk):
            self._lasts[position] = chunk[-1]

    def replace(self, old: E, new: E) -> None:
        """Errors: KeyError when `old` is not there."""
        if len(self.chunks) != 1:
            self.remove(old)
            self.add(new)
            return
        chunk = self.chunks[0]
        # What is chosen changes, and the first is chosen most.
        index = 0 if chunk[0] == old else bisect_left(chunk, old)
        if index == len(chunk) or chunk[index] != old:
            raise KeyError(old)
        if (not index or chunk[index - 1] < new) and (index + 1 == len(chunk) or new < chunk[index + 1]):
            chunk[index] = new
        else:
            del chunk[index]
            insort(chunk, new)
        self._lasts[0] = chunk[-1]

    def first(self) -> E | Entry:
        return self.chunks[0][0] if self.chunks else NO_ENTRY
