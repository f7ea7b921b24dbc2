"""The browser of the tests: Debian's Chromium, or playwright's own where there is none."""

import shutil

# Without the last ones Chromium asks its maker's hosts for things, which no test needs.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str | None:
    """Its path; None lets playwright use the one it installed."""
    return shutil.which("chromium") or shutil.which("google-chrome")
