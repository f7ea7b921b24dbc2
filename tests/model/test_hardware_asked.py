"""What flavors and images may ask of hardware, and the words of the refusal. Source of the words: Nova."""

import pytest

from kilonova.model.errors import BadRequest
from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.cpu_sets import format_cpus, parse_cpus
from kilonova.model.fitting.guest import GuestTopology, guest_topology
from kilonova.model.fitting.pci import read_aliases, requests_of
from kilonova.model.fitting.processor import processor

GPU = '{"vendor_id": "10de", "product_id": "1eb8", "name": "gpu", "device_type": "type-PCI", "numa_policy": "required"}'


def asked(text: str = "", image: str = "", *, vcpus: int = 4, memory_mib: int = 4096) -> Asked:
    """`numa_nodes=2 cpu_policy=dedicated`, without the `hw:` and `hw_`."""

    def read(of: str, prefix: str) -> dict[str, str]:
        pairs = [pair.split("=", 1) for pair in of.split()]
        return {(name if ":" in name else prefix + name): value for name, value in pairs}

    return Asked(vcpus=vcpus, memory_mib=memory_mib, extra_specs=read(text, "hw:"), properties=read(image, "hw_"))


def topology(text: str = "", image: str = "", **more: int) -> GuestTopology:
    found = guest_topology(asked(text, image, **more))
    assert found is not None
    return found


@pytest.mark.parametrize("text", ["", "cpu_policy=shared", "cpu_sockets=2", "pci_numa_affinity_policy=required"])
def test_most_flavors_want_no_topology(text: str) -> None:
    assert guest_topology(asked(text)) is None


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("cpu_policy=dedicated", ""),
        ("", "cpu_policy=dedicated"),
        ("mem_page_size=large", ""),
        ("numa_nodes=1", ""),
        ("", "numa_nodes=1"),
        ("resources:PCPU=4", ""),
        ("cpu_policy=mixed cpu_dedicated_mask=^0", ""),
    ],
)
def test_pinning_pages_and_nodes_make_one(text: str, image: str) -> None:
    assert len(topology(text, image).cells) == 1


def test_nodes_are_made_even_or_as_they_are_listed() -> None:
    even = topology("numa_nodes=2")
    assert [(sorted(cell.shared), cell.memory_mib) for cell in even.cells] == [([0, 1], 2048), ([2, 3], 2048)]

    listed = topology("numa_nodes=2 numa_cpus.0=0,3 numa_mem.0=1024 numa_cpus.1=1-2 numa_mem.1=3072")
    assert [(sorted(cell.shared), cell.memory_mib) for cell in listed.cells] == [([0, 3], 1024), ([1, 2], 3072)]


def test_a_mixed_guest_pins_its_mask_and_a_realtime_one_its_realtime_cpus() -> None:
    assert sorted(topology("cpu_policy=mixed cpu_dedicated_mask=^0-1").cells[0].dedicated) == [2, 3]
    realtime = topology("cpu_policy=mixed cpu_realtime=yes cpu_realtime_mask=^0")
    assert sorted(realtime.cells[0].dedicated) == [1, 2, 3]
    assert realtime.wish.realtime == {1, 2, 3}


def test_the_image_may_choose_where_the_flavor_lets_it() -> None:
    assert topology("cpu_policy=dedicated", "cpu_thread_policy=require").wish.threads == "require"
    assert topology("mem_page_size=any", "mem_page_size=2MB").page_size == 2048
    assert topology("mem_page_size=1GB").page_size == 1024**2
    assert topology("mem_page_size=2048").page_size == 2048


@pytest.mark.parametrize(
    ("text", "image", "words"),
    [
        ("numa_nodes=0", "", "The property 'numa_nodes' cannot be '0'. It must be a number greater than 0"),
        ("numa_nodes=3", "", "Instance CPUs and/or memory cannot be evenly distributed across instance NUMA nodes"),
        ("numa_nodes=2", "numa_nodes=2", "Image property 'hw_numa_nodes' is not permitted to override NUMA config"),
        ("numa_nodes=2 numa_cpus.0=0-1", "", "CPU and memory allocation must be provided for all NUMA nodes"),
        ("numa_nodes=1 numa_cpus.0=0-4 numa_mem.0=4096", "", "CPU number 4 is larger than max 3"),
        (
            "numa_nodes=2 numa_cpus.0=0-2 numa_cpus.1=2-3 numa_mem.0=2048 numa_mem.1=2048",
            "",
            "CPU number 2 is assigned to two nodes",
        ),
        ("numa_nodes=1 numa_cpus.0=0-2 numa_mem.0=4096", "", "CPU number {3} is not assigned to any node"),
        ("numa_nodes=1 numa_cpus.0=0-3 numa_mem.0=1", "", "1 MB of memory assigned, but expected 4096 MB"),
        ("cpu_policy=shared", "cpu_policy=dedicated", "Image property 'hw_cpu_policy' is not permitted to override"),
        (
            "cpu_policy=none",
            "",
            "CPU policy requested from 'flavor extra specs' is invalid, given: 'none', "
            "available: '('dedicated', 'shared', 'mixed')'.",
        ),
        ("cpu_thread_policy=prefer", "", "Cannot set cpu thread pinning policy in a non dedicated cpu pinning policy"),
        (
            "cpu_policy=dedicated cpu_thread_policy=isolate",
            "cpu_thread_policy=require",
            "Image property 'hw_cpu_thread_policy' is not permitted to override CPU thread pinning policy",
        ),
        ("emulator_threads_policy=isolate", "", "An isolated CPU emulator threads option requires a dedicated CPU"),
        ("emulator_threads_policy=x", "", "CPU emulator threads option requested is invalid, given: 'x', available:"),
        ("cpu_realtime=yes cpu_realtime_mask=^0", "", "Cannot set realtime policy in a non dedicated cpu pinning"),
        ("cpu_policy=dedicated cpu_realtime=yes", "", "Use of realtime CPUs requires either one or more non-realtime"),
        ("cpu_policy=mixed", "", "Dedicated CPU set can be specified from either 'hw:cpu_dedicated_mask' or"),
        ("cpu_policy=dedicated cpu_dedicated_mask=0", "", "Cannot specify 'hw:cpu_dedicated_mask' without the 'mixed'"),
        ("cpu_policy=mixed cpu_dedicated_mask=0-3", "", "Mixed instance must have at least 1 pinned vCPU and 1"),
        ("mem_page_size=huge", "", "Invalid memory page size 'huge'"),
        ("", "mem_page_size=2048", "Page size 2048 forbidden against '<empty>'"),
        ("mem_page_size=small", "mem_page_size=2048", "Page size 2048 forbidden against 'small'"),
        (
            "locked_memory=true",
            "",
            "locked_memory value in image or flavor is forbidden when mem_page_size is not set.",
        ),
        ("cpu_policy=dedicated resources:PCPU=4", "", "It is not possible to use the 'resources:VCPU' or"),
        ("resources:PCPU=3", "", "There is a mismatch between the number of PCPUs requested"),
    ],
)
def test_contradictions_are_told_in_novas_words(text: str, image: str, words: str) -> None:
    with pytest.raises(BadRequest) as error:
        guest_topology(asked(text, image))
    assert str(error.value).startswith(words)


@pytest.mark.parametrize(
    ("text", "image", "seen"),
    [
        ("", "", (4, 1, 1)),
        ("cpu_max_sockets=2", "", (2, 2, 1)),
        ("cpu_threads=2", "", (2, 1, 2)),
        ("cpu_sockets=1 cpu_cores=4", "cpu_max_cores=2", (4, 1, 1)),
        ("cpu_sockets=4", "cpu_sockets=1 cpu_cores=2 cpu_threads=2", (1, 2, 2)),
    ],
)
def test_a_guest_sees_sockets_cores_and_threads_as_preferred_within_limits(
    text: str, image: str, seen: tuple[int, int, int]
) -> None:
    assert processor(asked(text, image)) == seen


@pytest.mark.parametrize(
    ("text", "image", "words"),
    [
        (
            "cpu_max_sockets=1",
            "cpu_max_sockets=2",
            "Image vCPU topology limits (sockets=2, cores=0, threads=0)",
        ),
        ("cpu_max_cores=1", "cpu_cores=2", "Image vCPU topology (sockets=0, cores=2, threads=0) exceeds the limits"),
        ("cpu_max_sockets=1 cpu_max_cores=1 cpu_max_threads=1", "", "Requested vCPU limits 1:1:1 are impossible to"),
    ],
)
def test_impossible_processors_are_refused(text: str, image: str, words: str) -> None:
    with pytest.raises(BadRequest) as error:
        processor(asked(text, image))
    assert str(error.value).startswith(words)


def test_aliases_become_requests() -> None:
    aliases = read_aliases([GPU])
    (request,) = requests_of(asked("pci_passthrough:alias=gpu:2"), aliases)
    assert (request.name, request.count, request.policy) == ("gpu", 2, "required")
    (request,) = requests_of(asked("pci_passthrough:alias=gpu pci_numa_affinity_policy=socket"), aliases)
    assert (request.count, request.policy) == (1, "socket")


@pytest.mark.parametrize(
    ("text", "image", "words"),
    [
        ("pci_passthrough:alias=nic:1", "", "PCI alias nic is not defined"),
        ("pci_numa_affinity_policy=near", "", "Invalid PCI NUMA affinity configured: near"),
        (
            "pci_numa_affinity_policy=required",
            "pci_numa_affinity_policy=legacy",
            "Image property 'hw_pci_numa_affinity_policy' is not permitted to override",
        ),
    ],
)
def test_bad_device_requests_are_refused(text: str, image: str, words: str) -> None:
    with pytest.raises(BadRequest) as error:
        requests_of(asked(text, image), read_aliases([GPU]))
    assert str(error.value).startswith(words)


@pytest.mark.parametrize(
    "text",
    ["{", '{"name": "x"}', '{"vendor_id": "1", "product_id": "2"}', GPU.replace("required", "near")],
)
def test_bad_aliases_are_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="Invalid PCI alias definition"):
        read_aliases([text])


def test_cpu_sets_are_read_and_written() -> None:
    assert parse_cpus("1-4,^3,6") == {1, 2, 4, 6}
    assert format_cpus({1, 2, 4, 6}) == "1-2,4,6"
    for bad in ("a", "4-1", "^x", "1-2-3", "-1", "0-999999999999"):
        with pytest.raises(BadRequest, match=r"Invalid (range|exclusion|inclusion) expression"):
            parse_cpus(bad)
