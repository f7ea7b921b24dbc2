"""Which QEMU it is. libvirt knows as well, but only after it has asked that QEMU for all it can do. Blocking."""

import re
import subprocess
from pathlib import Path

_PATIENCE_S = 10.0


def emulator_version(emulator: Path) -> int | None:
    """As libvirt counts: 7002022 is 7.2.22. None where it does not say."""
    try:
        said = subprocess.run(
            [str(emulator), "--version"], capture_output=True, text=True, timeout=_PATIENCE_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", said)
    return None if found is None else int(found[1]) * 1_000_000 + int(found[2]) * 1000 + int(found[3])
