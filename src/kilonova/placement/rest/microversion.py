"""The header `OpenStack-API-Version: placement 1.N`."""

from kilonova.model.errors import BadRequest, NotAcceptable

MINIMUM, MAXIMUM = 0, 39
HEADER = "openstack-api-version"


class BadMicroversion(NotAcceptable):
    def __init__(self, asked: str) -> None:
        super().__init__(f"Unacceptable version header: {asked}")
        self.max_version = f"1.{MAXIMUM}"
        self.min_version = f"1.{MINIMUM}"


def minor_of(header: str | None) -> int:
    """N of 1.N; 0 when nothing is said of placement. Errors: BadMicroversion, BadRequest."""
    for part in (header or "").split(","):
        service, _, version = part.strip().partition(" ")
        if service.lower() != "placement":
            continue
        version = version.strip()
        if version == "latest":
            return MAXIMUM
        major, _, minor = version.partition(".")
        if not (major.isdigit() and minor.isdigit()):
            raise BadRequest(f"invalid version string: {version}")
        if int(major) != 1 or not MINIMUM <= int(minor) <= MAXIMUM:
            raise BadMicroversion(version)
        return int(minor)
    return MINIMUM
