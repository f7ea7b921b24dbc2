"""The state directory: where each part of the cloud keeps what must survive a restart."""

import json
import secrets
from pathlib import Path

from kilonova.identity.bootstrap import USER_NAMES
from kilonova.launch.private_file import write_private


class StateDir:
    """Paths below one directory, made on first use, readable by their owner only."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database = root / "kilonova.db"
        self.keys = root / "keys"
        self.images = root / "images"
        self.volumes = root / "volumes"
        self.compute = root / "compute"
        self.image_cache = root / "image-cache"
        self.simulated = root / "simulated.db"
        self.journal = root / "agent-journal.db"
        self.network = root / "network"
        self.tiny = root / "tiny"
        self.clouds = root / "clouds.yaml"
        self.openrc = root / "openrc"
        self.log = root / "kilonova.log"
        self._passwords = root / "passwords.json"

    def passwords(self, *, make: bool) -> dict[str, str]:
        """By user name; those that are missing are made at random when `make` says so."""
        known: dict[str, str] = json.loads(self._passwords.read_text()) if self._passwords.exists() else {}
        missing = [name for name in USER_NAMES if make and name not in known]
        if missing:
            known |= {name: secrets.token_urlsafe(18) for name in missing}
            write_private(self._passwords, json.dumps(known, indent=1))
        return known

    def node_id(self, host: str, new_id: str) -> str:
        """The uuid of a compute node, the same at every start: a host that is renamed is another host."""
        path = self.root / "nodes" / host
        if path.exists():
            return path.read_text().strip()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_private(path, new_id)
        return new_id
