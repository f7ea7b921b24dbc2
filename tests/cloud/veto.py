"""A filter of one's own: hosts it is told to refuse it refuses, and it keeps a list of what it was asked."""

from kilonova.scheduler.filters.filter import HostFilter
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject

refused: set[str] = set()
images_asked: list[str | None] = []


def _judge(host: HostState, request: Request) -> Verdict:
    images_asked.append(request.spec.image_id)
    return reject("vetoed") if host.name in refused else PASS


VETO = HostFilter(name="VetoFilter", judge=_judge, on_rebuild=True)
