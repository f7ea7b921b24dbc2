"""Where tests keep images that are slow to make, from one run to the next."""

import os
from pathlib import Path


def image_store() -> Path:
    """The directory named by KILONOVA_TEST_CACHE, else one below the user's caches; made when it is not there."""
    directory = Path(os.environ.get("KILONOVA_TEST_CACHE") or Path.home() / ".cache/kilonova-tests")
    directory.mkdir(parents=True, exist_ok=True)
    return directory
