"""Work side by side ends together, whatever becomes of either piece."""

import asyncio

import pytest

from kilonova.aio.together import both


async def after(steps: int, told: list[str], word: str, *, fail: bool = False) -> str:
    try:
        for _ in range(steps):
            await asyncio.sleep(0)
    finally:
        told.append(word)
    if fail:
        raise ValueError(word)
    return word


async def test_both_results_come_back_in_their_order() -> None:
    assert await both(after(3, [], "slow"), after(0, [], "quick")) == ("slow", "quick")


async def test_the_one_is_finished_when_the_other_has_failed() -> None:
    told: list[str] = []
    with pytest.raises(ValueError, match="early"):
        await both(after(5, told, "late"), after(0, told, "early", fail=True))
    assert told == ["early", "late"]


async def test_the_first_ones_failure_is_the_one_that_is_told() -> None:
    with pytest.raises(ValueError, match="first"):
        await both(after(5, [], "first", fail=True), after(0, [], "second", fail=True))


async def test_a_cancellation_ends_both() -> None:
    told: list[str] = []
    work = asyncio.create_task(both(after(10**6, told, "one"), after(10**6, told, "other")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert sorted(told) == ["one", "other"]
