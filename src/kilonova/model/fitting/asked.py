"""A flavor and an image, as far as they speak of hardware."""

import msgspec

_YES = frozenset({"t", "true", "on", "y", "yes", "1"})


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`extra_specs` are the flavor's (`hw:cpu_policy`), `properties` the image's (`hw_cpu_policy`)."""

    vcpus: int
    memory_mib: int
    extra_specs: dict[str, str] = {}
    properties: dict[str, str] = {}

    def flavor(self, name: str) -> str | None:
        """What the flavor says of `name` (`cpu_policy`); an empty value says nothing."""
        return self.extra_specs.get(f"hw:{name}") or None

    def image(self, name: str) -> str | None:
        return self.properties.get(f"hw_{name}") or None

    @property
    def cpus(self) -> frozenset[int]:
        return frozenset(range(self.vcpus))


def is_yes(text: str | None) -> bool:
    return text is not None and text.strip().lower() in _YES
