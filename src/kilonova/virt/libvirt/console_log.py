"""The tail of a guest's console log, as virtlogd keeps it."""

from pathlib import Path

# What the API shows at most, in bytes.
_MOST = 102_400


def read_tail(log: Path, *, lines: int | None) -> str:
    """The last `lines` lines (None: as many as fit in 100 KiB) of the log and, if short, of the rotated one before."""
    content = _tail(log, _MOST)
    if len(content) < _MOST:
        content = _tail(log.with_name(log.name + ".0"), _MOST - len(content)) + content
    text = content.decode(errors="replace")
    if lines is None:
        return text
    return "".join(text.splitlines(keepends=True)[-lines:]) if lines > 0 else ""


def _tail(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - most))
            return file.read(most)
    except FileNotFoundError:
        return b""
