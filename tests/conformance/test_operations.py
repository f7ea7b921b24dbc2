"""Each row of Nova's table of operations, at its first and at its last version: success, and declared errors."""

import csv
from pathlib import Path
from typing import NamedTuple

from kilonova.api.openapi.document import document
from kilonova.api.routes.table import ROUTES
from kilonova.api.version import HIGHEST
from tests.api.described import misfits
from tests.conformance.calls import call_of
from tests.conformance.differences import OPERATIONS
from tests.conformance.place import Place, place
from tests.counts import Count


class Row(NamedTuple):
    method: str
    path: str
    action: str
    low: int
    high: int
    success: frozenset[int]
    errors: frozenset[int]
    gone: bool

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} {self.action}".strip()

    @property
    def versions(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys((self.low, self.high)))


def rows_of(facts: Path) -> list[Row]:
    with (facts / "operations.csv").open() as lines:
        return [_row(one) for one in csv.DictReader(lines)]


def _row(one: dict[str, str]) -> Row:
    gone = one["status"] == "gone-410"
    return Row(
        method=one["method"],
        path=one["path"],
        action=one["action"],
        low=_minor(one["min_version"], 1),
        high=_minor(one["max_version"], HIGHEST),
        success=frozenset({410} if gone else (int(code) for code in one["success_code"].split(";") if code)),
        errors=frozenset(int(code) for code in one["expected_errors"].split(";") if code),
        gone=gone,
    )


def _minor(version: str, otherwise: int) -> int:
    return int(version.partition(".")[2]) if version else otherwise


# The answers outside of the list; the services share one port, so compute's root is below its name.
ABSOLUTE = {
    "(absolute) /": "/compute/",
    "(absolute) /<anything not under /v2 or /v2.1>": "/compute/anything",
    "(absolute) /v2 and /v2/": "/compute/v2",
    "(absolute) /v2.1 and /v2.1/": "/compute/v2.1/",
}


async def _status(here: Place, row: Row, version: int) -> tuple[int, str]:
    """The status and the text; status 0 and what is wrong where an answer is not as the API describes itself."""
    if row.path.startswith("(absolute)"):
        answer = await here.cloud.admin.get(ABSOLUTE[row.path])
        return answer.status_code, answer.text
    if row.gone:
        path = row.path.replace("{", "").replace("}", "")
        body = {row.action: None} if row.action else ({} if row.method in ("POST", "PUT") else None)
        answer = await here.call(row.method, path, version, body)
        return answer.status_code, answer.text
    call = call_of(row.method, row.path, row.action, version)
    path = await here.filled(call.path)
    answer = await here.call(row.method, path, version, await here.filled_body(call.body))
    if row.path == "/":
        return answer.status_code, answer.text
    wrong = misfits(document(ROUTES, version), row.method, path, answer)
    return (0, wrong) if wrong else (answer.status_code, answer.text)


async def test_each_row_of_the_table_succeeds_at_its_first_and_last_version(
    facts: Path, tmp_path: Path, count: Count
) -> None:
    rows = rows_of(facts)
    wrong: dict[str, str] = {}
    async with place(tmp_path / "state") as here:
        for row in rows:
            for version in row.versions:
                try:
                    status, text = await _status(here, row, version)
                except Exception as error:
                    wrong[f"{row.name} at 2.{version}"] = f"{type(error).__name__}: {error}"
                    continue
                wanted = row.success or row.errors
                if status not in wanted:
                    wrong[f"{row.name} at 2.{version}"] = f"{status}, not {sorted(wanted)}: {text[:200]}"
                if row.action == "evacuate" or "os-services" in row.path:
                    await here.hosts_up()
    held = len(rows) - len({name.split(" at 2.")[0] for name in wrong})
    count(held, len(rows), "rows of the table of operations hold at their first and last version")
    differing = {name.split(" at 2.")[0] for name in wrong}
    count(len(differing & OPERATIONS.keys()), len(differing), "other rows are differences with a reason")
    assert OPERATIONS.keys() <= differing, "these hold: they are no differences any more"
    unknown = [f"{name}: {text}" for name, text in wrong.items() if name.split(" at 2.")[0] not in OPERATIONS]
    assert not unknown, "\n".join(unknown)
