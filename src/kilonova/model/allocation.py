"""Inventories and what may still be taken from them. Amounts are whole numbers of the resource class's unit."""

import msgspec

MAX_INT = 2147483647


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider has of one resource class; the meaning of each member is Placement's."""

    total: int
    reserved: int = 0
    allocation_ratio: float = 1.0
    min_unit: int = 1
    max_unit: int = MAX_INT
    step_size: int = 1

    @property
    def capacity(self) -> int:
        """The sum all consumers together may hold."""
        return int((self.total - self.reserved) * self.allocation_ratio)

    def allows(self, amount: int, used: int) -> bool:
        """Whether `amount` can be taken while `used` is: what `refuses` tells the reason of."""
        return (
            self.min_unit <= amount <= self.max_unit
            and amount % self.step_size == 0
            and used + amount <= int((self.total - self.reserved) * self.allocation_ratio)
        )

    def refuses_size(self, amount: int) -> str | None:
        """Why one consumer may not hold `amount`, however empty the provider is; None when it may."""
        if amount < self.min_unit:
            return f"wanted {amount}, at least {self.min_unit} can be had at once"
        if amount > self.max_unit:
            return f"wanted {amount}, at most {self.max_unit} can be had at once"
        if amount % self.step_size:
            return f"wanted {amount}, only multiples of {self.step_size} can be had"
        return None

    def refuses(self, amount: int, used: int) -> str | None:
        """Why `amount` cannot be taken while `used` is; None when it can."""
        refused = self.refuses_size(amount)
        if refused is None and used + amount > self.capacity:
            return f"wanted {amount}, free {max(self.capacity - used, 0)}"
        return refused


def what_is_short(inventories: dict[str, Inventory], used: dict[str, int], wanted: dict[str, int]) -> str | None:
    """`MEMORY_MB: wanted 4096, free 2048; DISK_GB: none here`, or None when all of `wanted` can be taken."""
    short: list[str] = []
    for name, amount in wanted.items():
        inventory = inventories.get(name)
        reason = "none here" if inventory is None else inventory.refuses(amount, used.get(name, 0))
        if reason is not None:
            short.append(f"{name}: {reason}")
    return "; ".join(short) or None
