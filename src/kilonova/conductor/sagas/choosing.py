"""What a saga keeps of the scheduler's answer; `details` is what the action's event says of it, for administrators."""

from kilonova.contract.scheduler import Candidate, Selection


def chosen(selection: Selection) -> dict[str, str]:
    """The result of a step that chose a host."""
    return {
        "host": selection.host,
        "node": selection.node,
        "zone": selection.availability_zone,
        "details": _told(selection),
    }


def _told(selection: Selection) -> str:
    """`host-1; best of: host-1 2.75 (RAMWeigher 0.75, CPUWeigher 1, DiskWeigher 1), host-2 …`"""
    if not selection.candidates:
        return selection.host
    return f"{selection.host}; best of: {', '.join(map(_candidate, selection.candidates))}"


def _candidate(one: Candidate) -> str:
    parts = ", ".join(f"{share.name} {share.score:.4g}" for share in one.weights if share.score)
    return f"{one.host} {one.score:.4g}" + (f" ({parts})" if parts else "")
