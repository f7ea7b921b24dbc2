"""A short name for a deep directory: the path of a Unix socket may have 107 bytes and no more."""

import hashlib
import os
from pathlib import Path

from kilonova.model.errors import HypervisorUnavailable

# Leaves room below for the longest name we or libvirt put there (about 70 bytes).
_SHORT = 32


def short_alias(directory: Path) -> Path:
    """`directory` itself when short, else a symlink to it in a directory only we can write.

    Made again at every start, because /run and /tmp do not outlive a reboot. Errors: HypervisorUnavailable.
    """
    directory = directory.absolute()
    if len(os.fsencode(directory)) <= _SHORT:
        return directory
    place = _own_directory()
    for other in place.iterdir():
        if not other.exists():
            other.unlink(missing_ok=True)
    alias = place / hashlib.sha256(os.fsencode(directory)).hexdigest()[:8]
    if not (alias.is_symlink() and alias.readlink() == directory):
        fresh = alias.with_suffix(f".{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(directory)
        fresh.replace(alias)
    return alias


def _own_directory() -> Path:
    user = os.geteuid()
    place = Path("/run/kilonova") if user == 0 else Path(f"/tmp/kilonova-{user}")
    place.mkdir(mode=0o700, exist_ok=True)
    facts = place.lstat()
    if facts.st_uid != user or facts.st_mode & 0o022 or place.is_symlink():
        raise HypervisorUnavailable(f"{place} belongs to somebody else; remove it.")
    return place
