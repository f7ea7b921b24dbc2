"""What a server's owner reads when no host took it, in the room there is for it."""

import json

import msgspec

from kilonova.conductor.faults import MOST, fault_of
from kilonova.contract.scheduler import FilterCount, NoValidHost, in_and_out
from kilonova.model.errors import InternalError
from kilonova.model.time import Timestamp

NOW = Timestamp("2026-11-21T07:26:45.123456")


def refused(*counts: FilterCount) -> NoValidHost:
    return NoValidHost(in_and_out(counts), [msgspec.to_builtins(count) for count in counts])


def message(error: Exception, tries: int = 0) -> str:
    failures = [
        {"attempt": number, "step": "build", "host": f"host-{number}", "kind": "Conflict", "message": "It broke: x"}
        for number in range(tries)
    ]
    return str(json.loads(fault_of(error, NOW, failures))["message"])  # type: ignore[arg-type]


PASSED = [FilterCount(name=f"TheFilterOfNumber{number}", given=9, passed=9) for number in range(20)]
SOME = FilterCount(name="ComputeFilter", given=9, passed=4, short="disabled (5 hosts)")
NONE = FilterCount(name="RamFilter", given=4, passed=0, short="too full (4 hosts)")


def test_what_fits_is_told_whole() -> None:
    error = refused(SOME, NONE)

    assert message(error) == error.message
    assert message(error).endswith("ComputeFilter 9→4 (disabled (5 hosts)), RamFilter 4→0 (too full (4 hosts))")


def test_filters_that_all_hosts_passed_go_first() -> None:
    assert message(refused(*PASSED, SOME, NONE)) == message(refused(SOME, NONE))


def test_the_filter_that_no_host_passed_stays() -> None:
    long = msgspec.structs.replace(SOME, short="disabled " * 30)

    assert message(refused(long, NONE)) == message(refused(NONE))
    assert message(refused(*PASSED, long, NONE), tries=2) == (
        "Exceeded maximum number of retries (2). Last: It broke. Then: No valid host was found. "
        "RamFilter 4→0 (too full (4 hosts))"
    )
    endless = msgspec.structs.replace(NONE, short="too full " * 60)
    assert len(message(refused(endless), tries=2)) == MOST


def test_errors_nobody_foresaw_show_their_class_only() -> None:
    assert message(InternalError("KeyError: 'a secret'")) == "KeyError"
