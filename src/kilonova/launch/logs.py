"""Where logs go and how they look."""

import logging
import sys
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# They log each of our own calls to one another.
_QUIET = ("httpx", "httpcore", "uvicorn", "asyncio", "websockets", "alembic")


def log_to(path: Path | None, *, debug: bool) -> None:
    """To a file, or to the terminal's error stream."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if path is None else logging.FileHandler(path)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
