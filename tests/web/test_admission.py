"""How requests take turns, and who is told to come again."""

import asyncio

import pytest

from kilonova.web.admission import Admission, Overloaded

LONG_S = 30.0
SHORT_S = 0.05


class Room:
    """Work that ends when told to; remembers who worked and who was refused."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._end = asyncio.Semaphore(0)
        self.working: list[str] = []
        self.done: list[str] = []
        self.refused: list[str] = []

    async def work(self, name: str) -> None:
        try:
            async with self._admission.place():
                self.working.append(name)
                await self._end.acquire()
                self.working.remove(name)
                self.done.append(name)
        except Overloaded:
            self.refused.append(name)

    async def begin(self, *names: str) -> "list[asyncio.Task[None]]":
        tasks = [asyncio.create_task(self.work(name)) for name in names]
        await asyncio.sleep(0)
        return tasks

    async def end(self, count: int) -> None:
        for _ in range(count):
            self._end.release()
            for _ in range(3):
                await asyncio.sleep(0)


async def test_no_more_work_at_a_time_than_there_is_room_and_the_rest_in_order() -> None:
    room = Room(Admission("reads", room=2, longest_wait_s=LONG_S))
    tasks = await room.begin("a", "b", "c", "d")
    assert room.working == ["a", "b"]
    await room.end(1)
    assert room.working == ["b", "c"]
    await room.end(3)
    assert room.done == ["a", "b", "c", "d"]
    await asyncio.gather(*tasks)


async def test_who_waits_too_long_is_refused_while_the_others_work_on() -> None:
    room = Room(Admission("reads", room=1, longest_wait_s=SHORT_S))
    (worker,) = await room.begin("a")
    waiters = await room.begin("b", "c")
    await asyncio.gather(*waiters)
    assert (room.working, room.refused) == (["a"], ["b", "c"])
    await room.end(1)
    await worker
    tasks = await room.begin("d")
    await room.end(1)
    await asyncio.gather(*tasks)
    assert room.done == ["a", "d"]


async def test_a_refusal_says_in_whole_seconds_when_to_come_again() -> None:
    admission = Admission("writes", room=1, longest_wait_s=SHORT_S)
    async with admission.place():
        with pytest.raises(Overloaded) as refused:
            async with admission.place():
                pass
    assert refused.value.retry_after_s == 1


async def test_behind_a_queue_that_never_empties_one_waits_half_as_long() -> None:
    loop = asyncio.get_running_loop()
    room = Room(Admission("reads", room=1, longest_wait_s=1.0))
    first = await room.begin("works", "was first")
    # The queue must have stood for the longest wait, without anybody in it having waited so long.
    await asyncio.sleep(0.6)
    later = await room.begin("in between")
    await room.end(1)
    assert room.working == ["was first"]
    await asyncio.sleep(0.6)
    ended: dict[str, float] = {}
    began = loop.time()
    newcomer = await room.begin("newcomer")
    newcomer[0].add_done_callback(lambda _: ended.setdefault("newcomer", loop.time()))
    later[0].add_done_callback(lambda _: ended.setdefault("in between", loop.time()))
    await asyncio.gather(*later, *newcomer)
    assert room.refused == ["in between", "newcomer"]
    assert ended["newcomer"] - began >= 0.5
    await room.end(1)
    await asyncio.gather(*first)


async def test_a_client_that_goes_away_keeps_no_place() -> None:
    room = Room(Admission("reads", room=1, longest_wait_s=LONG_S))
    (worker,) = await room.begin("a")
    gone, stays = await room.begin("gone", "stays")
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await room.end(1)
    assert room.working == ["stays"]
    await room.end(1)
    await asyncio.gather(worker, stays)
    assert room.done == ["a", "stays"]


async def test_who_goes_away_just_as_its_turn_comes_hands_it_on() -> None:
    admission = Admission("reads", room=1, longest_wait_s=LONG_S)
    room = Room(admission)
    (worker,) = await room.begin("a")
    gone, stays = await room.begin("gone", "stays")
    room._end.release()
    # `a` ends and its place is given away; the one who gets it has not run yet.
    while not room.done:
        await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await asyncio.sleep(0)
    assert room.working == ["stays"]
    await room.end(1)
    await asyncio.gather(worker, stays)


async def test_work_that_fails_gives_its_place_back() -> None:
    admission = Admission("reads", room=1, longest_wait_s=LONG_S)
    with pytest.raises(ZeroDivisionError):
        async with admission.place():
            raise ZeroDivisionError
    async with asyncio.timeout(60), admission.place():
        pass


async def test_work_that_only_waits_for_somebody_else_does_not_keep_its_place_for_ever() -> None:
    room = Room(Admission("writes", room=1, longest_wait_s=LONG_S, lent_for_s=SHORT_S))
    (stuck,) = await room.begin("stuck")
    await asyncio.sleep(2 * SHORT_S)
    (following,) = await room.begin("next")
    assert room.working == ["stuck", "next"]
    await room.end(2)
    await asyncio.gather(stuck, following)
    # Its place was given away once, and is not given away again when it ends at last.
    tasks = await room.begin("a", "b")
    assert room.working == ["a"]
    await room.end(2)
    await asyncio.gather(*tasks)
