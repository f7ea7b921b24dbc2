"""What an agent must remember across its own death: the highest epoch seen of each saga; older orders are refused.

One file for all hosts of a process. Written without waiting for the disk: a process that dies loses nothing, and after
a power cut the sagas of before have new epochs anyway.
"""

import sqlite3
from pathlib import Path

# Sagas live for an hour at most; what is older can come from nobody.
KEEP_S = 86400.0


class Journal:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS epochs (saga TEXT PRIMARY KEY, epoch INTEGER, at REAL)")

    def admit(self, saga: str, epoch: int, now: float) -> bool:
        """Whether an order of this epoch may be carried out; remembers it when so."""
        row = self._db.execute("SELECT epoch FROM epochs WHERE saga = ?", (saga,)).fetchone()
        if row is not None and row[0] > epoch:
            return False
        if row is None or row[0] < epoch:
            self._db.execute("INSERT OR REPLACE INTO epochs VALUES (?, ?, ?)", (saga, epoch, now))
        return True

    def prune(self, now: float) -> None:
        self._db.execute("DELETE FROM epochs WHERE at < ?", (now - KEEP_S,))

    def close(self) -> None:
        self._db.close()
