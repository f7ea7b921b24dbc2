"""What a question may ask of a provider's traits and aggregates."""

from collections.abc import Collection

import msgspec


class Traits(msgspec.Struct, frozen=True):
    """`any_of` holds alternatives: at least one of each set."""

    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    any_of: tuple[frozenset[str], ...] = ()

    def admits(self, traits: Collection[str]) -> bool:
        have = frozenset(traits)
        if not (self.required <= have and self.forbidden.isdisjoint(have)):
            return False
        return not self.any_of or all(not one.isdisjoint(have) for one in self.any_of)

    @property
    def named(self) -> frozenset[str]:
        return self.required | self.forbidden | frozenset().union(*self.any_of)


class MemberOf(msgspec.Struct, frozen=True):
    """In at least one of each of `any_of`, and in none of `none_of`."""

    any_of: tuple[frozenset[str], ...] = ()
    none_of: frozenset[str] = frozenset()

    def admits(self, *aggregates: Collection[str]) -> bool:
        """`aggregates` of a provider, and of the root it may have them from."""
        if not all(self.none_of.isdisjoint(have) for have in aggregates):
            return False
        return not self.any_of or any(all(not one.isdisjoint(have) for one in self.any_of) for have in aggregates)
