"""What a filter says of a host: nothing, or why not."""

Verdict = str | None

PASS: Verdict = None


def reject(reason: str) -> Verdict:
    """`reason` is shown to users: it names no host."""
    return reason
