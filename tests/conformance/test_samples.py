"""Each of Nova's API samples: requests are accepted at their version, answers have the same members and types."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from kilonova.bus.local import LocalBus
from tests.api.sample_calls import READS as FURNISHED_READS
from tests.api.sample_calls import WRITES as FURNISHED_WRITES
from tests.api.shapes import differences, shape_of
from tests.api.test_samples import answer_to, furnish
from tests.api.whole import whole_cloud
from tests.conformance import sample_table as table
from tests.conformance.adapting import OUTDATED, adapted
from tests.conformance.differences import SAMPLES
from tests.conformance.place import Place, place
from tests.counts import Count

_VERSIONS = ("versions/v2-version-get-resp", "versions/v21-version-get-resp", "versions/versions-get-resp")


# A server that does not settle in that time never will.
_LONGEST_S = 20


class Sample(NamedTuple):
    name: str
    version: int
    document: Any

    @property
    def folder(self) -> str:
        return self.name.split("/")[0]

    def __str__(self) -> str:
        return f"{self.name} at 2.{self.version}"


def samples_of(facts: Path) -> Iterator[Sample]:
    root = facts / "samples"
    for file in sorted(root.rglob("*.json")):
        name = str(file.relative_to(root).with_suffix(""))
        found = re.fullmatch(r"([^/]+)/v2\.(\d+)/(.+)", name)
        version = int(found[2]) if found else 1
        name = f"{found[1]}/{found[3]}" if found else name
        yield Sample(name, table.VERSION_OF_NAME.get(name, version), json.loads(file.read_text()))


def _of_a_user(document: Any) -> bool:
    """Whether a view of servers is not an administrator's."""
    text = json.dumps(document)
    return "OS-EXT-STS:vm_state" in text and 'OS-EXT-SRV-ATTR:host"' not in text


class Walk:
    """The samples against one place; `wrong` holds what differs, by sample."""

    def __init__(self, here: Place, samples: list[Sample]) -> None:
        self.here = here
        self.samples = {(one.name, one.version): one for one in samples}
        self.wrong: dict[str, str] = {}
        self.held: set[str] = set()

    def answer_of(self, sample: Sample) -> Sample | None:
        """The sample of the answer to that request: at its version, else the last before it."""
        # Answered for in the other cloud, where things are as the sample shows them.
        name = table.ANSWERS.get(sample.name, re.sub(r"-req\b", "-resp", sample.name))
        if name == sample.name or _furnished(name) or sample.name in table.VERSION_OF_NAME:
            return None
        at = [version for found, version in self.samples if found == name and version <= sample.version]
        return self.samples[name, max(at)] if at else None

    async def ask(self, sample: Sample) -> None:
        if sample.folder in table.GONE or sample.name in table.GONE:
            await self.gone(sample)
        elif sample.name in table.REQUESTS:
            await self.request(sample)
        elif sample.name in table.READS:
            await self.read(sample)

    async def gone(self, sample: Sample) -> None:
        method, path = (table.GONE.get(sample.name) or table.GONE[sample.folder]).split(" ")
        body = {"resetNetwork": None} if path.endswith("{server}/action") else {}
        if path.endswith("x/action"):
            body = sample.document
        answer = await self.here.call(method, await self.here.filled(path), sample.version, body or None)
        self._judge(sample, [] if answer.status_code == 410 else [f"{answer.status_code}, not 410"])

    async def request(self, sample: Sample) -> None:
        since, later = table.LATER_REQUESTS.get(sample.name, (0, ""))
        asked = later if later and sample.version >= since else table.REQUESTS[sample.name]
        method, path = asked.split(" ")
        expected = self.answer_of(sample)
        path = await self.here.filled(path)
        body = await adapted(self.here, sample.name, sample.version, sample.document)
        member = expected is not None and _of_a_user(expected.document)
        answer = await self.here.call(method, path, sample.version, body, member=member)
        if answer.status_code >= 300:
            self._judge(sample, [_told(answer)])
            if expected is not None and str(expected) not in self.held:
                self._judge(expected, ["its request was refused"])
            return
        stale = sample.version in OUTDATED.get(sample.name, ())
        self._judge(sample, ["was sent as Nova's schema wants it"] if stale else [])
        # Some answers lost their bodies after the version of the last sample that shows one.
        if expected is not None and answer.content:
            self._compare(expected, answer)

    async def read(self, sample: Sample) -> None:
        path = table.READS[sample.name]
        # A full page has a link to the next.
        if "limit=1&" in path and not any(name.endswith("_links") for name in sample.document):
            path = path.replace("limit=1&", "")
        path = await self.here.filled(path)
        theirs = "their_" in table.READS[sample.name]
        member = _of_a_user(sample.document) or theirs
        self._compare(sample, await self.here.call("GET", path, sample.version, member=member))

    def _compare(self, sample: Sample, answer: httpx.Response) -> None:
        if answer.status_code >= 300:
            self._judge(sample, [_told(answer)])
        else:
            self._judge(sample, differences(shape_of(sample.document), shape_of(answer.json())))

    def _judge(self, sample: Sample, found: list[str]) -> None:
        if found:
            self.wrong[str(sample)] = "; ".join(found)
        else:
            self.held.add(str(sample))


def _told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:220]}"


async def _running(state: Path, samples: list[Sample]) -> Walk:
    async with place(state) as here:
        walk = Walk(here, samples)
        for sample in samples:
            try:
                async with asyncio.timeout(_LONGEST_S):
                    await walk.ask(sample)
            except Exception as error:
                walk.wrong[str(sample)] = f"{type(error).__name__}: {str(error)[:200]}"
            if sample.folder in ("os-evacuate", "os-services"):
                await here.hosts_up()
        return walk


def _furnished(name: str) -> bool:
    asked = name.replace("os-quota-sets-noop", "os-quota-sets")
    return name in _VERSIONS or asked in FURNISHED_READS or asked in FURNISHED_WRITES


async def test_each_sample_is_accepted_or_answered_alike(
    facts: Path, tmp_path: Path, sqlite_url: str, count: Count
) -> None:
    samples = list(samples_of(facts))
    walk = await _running(tmp_path / "state", samples)
    bus = LocalBus()
    async with whole_cloud(tmp_path, bus, sqlite_url) as cloud:
        ids = await furnish(cloud, bus)
        for sample in samples:
            if not _furnished(sample.name) or str(sample) in walk.held:
                continue
            try:
                shown = await answer_to(cloud, ids, sample.name, sample.version)
                walk._judge(sample, differences(shape_of(sample.document), shape_of(shown)))
            except AssertionError as error:
                walk._judge(sample, [str(error)[:200]])
    await bus.close()
    _report(samples, walk, count)


def _report(samples: list[Sample], walk: Walk, count: Count) -> None:
    for one in samples:
        if str(one) in walk.wrong:
            walk.held.discard(str(one))
    held = [one for one in samples if str(one) in walk.held]
    count(len(held), len(samples), "samples are accepted, or answered with the same members and types")
    left = [one for one in samples if str(one) not in walk.held]
    known = [one for one in left if _reason(one)]
    count(len(known), len(left), "other samples are differences with a reason")
    unknown = [f"{one}: {walk.wrong.get(str(one), 'not asked for')}" for one in left if not _reason(one)]
    assert not unknown, "\n".join(unknown)
    asked = {one.name for one in left} | {str(one) for one in left}
    assert SAMPLES.keys() <= asked, "these hold: they are no differences any more"


def _reason(sample: Sample) -> str:
    return SAMPLES.get(str(sample), SAMPLES.get(sample.name, ""))
