"""All hosts in memory, kept in order of their scores: those of each profile, and the first of every profile."""

from collections.abc import Iterable, Iterator, Mapping

from kilonova.model.ids import HostName
from kilonova.scheduler import marks
from kilonova.scheduler.host import HostState, Make, Profile
from kilonova.scheduler.marks import Marks
from kilonova.scheduler.order import NO_ENTRY, Entry, Order
from kilonova.scheduler.settings import SchedulerSettings
from kilonova.scheduler.weighers import Weigher, set_weighing, weighers

NO_VERSION = 1 << 62

Head = tuple[float, int, int]  # the first entry of a profile, and the profile's number


class Fleet:
    """Orders hold the candidates only: hosts that are enabled and, as far as known, alive."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self.settings = settings
        self.known: tuple[Weigher, ...] = weighers(settings)
        self.orders: list[Order[Entry]] = []  # by profile number
        self.firsts: list[Entry] = []  # the first of each of these
        self.heads: Order[Head] = Order()  # the same, in order
        self.marks = Marks()
        self.profiles: list[Profile] = []
        self.by_number: list[HostState | None] = []
        # Grows with every change of any host.
        self.changes = 0
        # Changes whenever verdicts on profiles may have become wrong.
        self.epoch = 0
        self._hosts: dict[HostName, HostState] = {}
        self._profile_of: dict[Make, Profile] = {}
        self._last_make: tuple[Make | None, Profile | None] = None, None
        self._set_aside: set[HostName] = set()
        self._versions = (NO_VERSION, 0)  # the lowest and the highest
        self._live_matters = "ComputeFilter" in settings.enabled_filters

    def __len__(self) -> int:
        return len(self._hosts)

    def __iter__(self) -> Iterator[HostState]:
        return iter(self._hosts.values())

    def get(self, name: HostName) -> HostState | None:
        return self._hosts.get(name)

    # -- what hosts are ----

    def add(self, name: HostName, make: Make) -> HostState:
        """A host, empty and no candidate yet: `settle` it once its facts are set."""
        host = HostState(len(self.by_number), name, self._profile(make))
        self.by_number.append(host)
        self._hosts[name] = host
        return host

    def remove(self, name: HostName) -> None:
        self.changes += 1
        host = self._hosts.pop(name, None)
        if host is not None:
            self._leave(host)
            self.by_number[host.number] = None
            self._set_aside.discard(name)

    def remake(self, host: HostState, make: Make, used: Mapping[str, int]) -> None:
        """Give a host another profile and say anew what of it is in use."""
        self._leave(host)
        profile = host.profile = self._profile(make)
        host.free_vcpu, host.free_memory, host.free_disk = profile.vcpu, profile.memory, profile.disk
        host.other_used = None
        host.use(used)

    def _profile(self, make: Make) -> Profile:
        # A host is added and then made as it is, with one and the same Make: working out its hash twice costs.
        last, profile = self._last_make
        if make is last and profile is not None:
            return profile
        profile = self._profile_of.get(make)
        if profile is None:
            profile = self._profile_of[make] = Profile(len(self.profiles), make)
            self.profiles.append(profile)
            self.orders.append(Order())
            self.firsts.append(NO_ENTRY)
            self.marks.add(profile.number, marks.zone(make.zone), *map(marks.trait, make.traits))
            set_weighing(profile, self.known, self.settings)
            self._weigh_version(profile)
            self.epoch += 1
        self._last_make = make, profile
        return profile

    def _weigh_version(self, new: Profile) -> None:
        """The newest hypervisor's hosts get 1, the oldest's 0; when that shifts, so do scores."""
        low, high = self._versions
        low, high = min(low, new.hypervisor_version), max(high, new.hypervisor_version)
        shifted, self._versions = (low, high) != self._versions, (low, high)
        for profile in self.profiles if shifted else (new,):
            share = (profile.hypervisor_version - low) / (high - low) if high > low else 0.0
            if share != profile.version_share:
                profile.version_share = share
                for entry in [entry for chunk in self.orders[profile.number].chunks for entry in chunk]:
                    host = self.by_number[entry[1]]
                    assert host is not None
                    self.settle(host)

    # -- what changes ----

    def take(self, host: HostState, amounts: Mapping[str, int], *, servers: int = 0, io_ops: int = 0) -> None:
        """Count amounts as used (negative: as free again)."""
        self.changes += 1
        host.use(amounts)
        host.servers += servers
        host.io_ops = max(host.io_ops + io_ops, 0)
        if host.entry is not None:
            self._sort_in(host)

    def settle(self, host: HostState) -> None:
        """Something about the host changed: let it stand where it belongs, or nowhere."""
        self.changes += 1
        if self._is_candidate(host):
            self._sort_in(host)
        else:
            self._leave(host)

    def settle_all(self) -> None:
        """The same for all hosts at once."""
        self.changes += 1
        by_profile: list[list[Entry]] = [[] for _ in self.profiles]
        for host in self:
            host.entry = None
            if self._is_candidate(host):
                host.entry = (-self.score(host), host.number)
                by_profile[host.profile.number].append(host.entry)
        for order, own in zip(self.orders, by_profile, strict=True):
            order.fill(own)
        self.firsts = [order.first() for order in self.orders]
        self.heads.fill([(*first, number) for number, first in enumerate(self.firsts) if first is not NO_ENTRY])

    def _is_candidate(self, host: HostState) -> bool:
        if not self._live_matters:
            return True
        return host.enabled and not host.forced_down and host.name not in self._set_aside

    def set_aside(self, host: HostState, until: float) -> None:
        """Leave a host out until then; `wake` brings it back."""
        self.changes += 1
        host.set_aside_until = until
        self._set_aside.add(host.name)
        self._leave(host)

    def take_back(self, host: HostState) -> None:
        """A host that had been set aside does well again."""
        self._set_aside.discard(host.name)
        host.set_aside_until = 0.0

    def silence(self, hosts: Iterable[HostState]) -> None:
        """Hosts found silent while looking: out of the way, until they are heard of again and `settle`d."""
        for host in hosts:
            self._leave(host)

    def wake(self, now: float) -> None:
        """Bring back the hosts whose time aside is over."""
        if not self._set_aside:
            return
        for name in [name for name in self._set_aside if self._hosts[name].set_aside_until <= now]:
            self._set_aside.discard(name)
            self.settle(self._hosts[name])

    def score(self, host: HostState) -> float:
        profile = host.profile
        total = profile.rise.of(host)
        for weigh, factor in profile.weighing:
            total += weigh(host) * factor
        return total

    def _sort_in(self, host: HostState) -> None:
        entry = (-self.score(host), host.number)
        if entry == host.entry:
            return
        number = host.profile.number
        order = self.orders[number]
        if host.entry is None:
            order.add(entry)
        else:
            order.replace(host.entry, entry)
        host.entry = entry
        self._note_first(number, order)

    def _leave(self, host: HostState) -> None:
        if host.entry is not None:
            number = host.profile.number
            order = self.orders[number]
            order.remove(host.entry)
            host.entry = None
            self._note_first(number, order)

    def _note_first(self, number: int, order: Order[Entry]) -> None:
        before, first = self.firsts[number], order.first()
        if first is before:
            return
        if before is NO_ENTRY:
            self.heads.add((*first, number))
        elif first is NO_ENTRY:
            self.heads.remove((*before, number))
        else:
            self.heads.replace((*before, number), (*first, number))
        self.firsts[number] = first
