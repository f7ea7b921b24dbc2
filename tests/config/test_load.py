"""What nova.conf says is what the services get, and mistakes in it are named."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kilonova.config.errors import BadConfiguration
from kilonova.config.load import load
from kilonova.config.options import Config
from kilonova.config.sample import write_sample
from kilonova.config.table import options

Write = Callable[[str], Path]


@pytest.fixture
def nova_conf(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "nova.conf"
        path.write_text(text)
        return path

    return write


def test_without_a_file_everything_has_a_value_that_works() -> None:
    config = load()

    assert config.default.host
    assert config.database.connection == f"sqlite:///{config.default.state_path}/kilonova.db"
    assert config.quota.instances == 10
    assert config.glance.endpoint_override is None


def test_a_nova_conf_of_nova_is_understood(nova_conf: Write) -> None:
    path = nova_conf("""
[DEFAULT]
# The queue.
transport_url = rabbit://nova:p%40ss@10.0.0.1:5672/
host = compute-7
my_ip = 10.0.0.7
state_path = /var/lib/nova
instances_path = $state_path/instances
compute_driver = libvirt.LibvirtDriver
debug = True
cpu-allocation-ratio = 16
[database]
connection = mysql+pymysql://nova:$ecret@10.0.0.2/nova?charset=utf8
[filter_scheduler]
enabled_filters = ComputeFilter,  ServerGroupAffinityFilter,
  NUMATopologyFilter
available_filters = nova.scheduler.filters.all_filters
available_filters = mine.Filter
[vnc]
novncproxy_base_url = http://$my_ip:6080/vnc.html
[quota]
instances = -1
[glance]
endpoint_override = http://10.0.0.3:9292
""")

    config = load(path)

    assert config.default.transport_url == "rabbit://nova:p%40ss@10.0.0.1:5672/"
    assert config.default.host == "compute-7"
    assert config.default.instances_path == "/var/lib/nova/instances"
    assert config.default.driver == "libvirt"
    assert config.default.debug is True
    assert config.default.cpu_allocation_ratio == 16.0
    assert config.database.connection == "mysql+pymysql://nova:$ecret@10.0.0.2/nova?charset=utf8"
    assert config.filter_scheduler.enabled_filters == (
        "ComputeFilter",
        "ServerGroupAffinityFilter",
        "NUMATopologyFilter",
    )
    assert config.filter_scheduler.available_filters == ("nova.scheduler.filters.all_filters", "mine.Filter")
    assert config.vnc.novncproxy_base_url == "http://10.0.0.7:6080/vnc.html"
    assert config.quota.instances == -1
    assert config.glance.endpoint_override == "http://10.0.0.3:9292"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("[DEFAULT]\nreport_intervall = 5", "did you mean report_interval?"),
        ("[DEFAULT]\nenabled_filters = X", "did you mean it in [filter_scheduler]?"),
        ("[quotas]\nfloating = 5", "did you mean the section [quota]?"),
        ("[DEFAULT]\nzebra = 1", "zebra is not an option of this program."),
    ],
)
def test_an_unknown_option_is_named_with_the_nearest_one(
    line: str, hint: str, nova_conf: Write, caplog: pytest.LogCaptureFixture
) -> None:
    load(nova_conf(line))

    assert hint in caplog.text
    assert "nova.conf" in caplog.text


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("DEFAULT", "report_interval", "often"),
        ("DEFAULT", "report_interval", "0"),
        ("DEFAULT", "osapi_compute_listen_port", "65536"),
        ("DEFAULT", "debug", "perhaps"),
        ("DEFAULT", "cpu_allocation_ratio", "0"),
        ("libvirt", "virt_type", "xen"),
        ("filter_scheduler", "disk_weight_multiplier", "heavy"),
    ],
)
def test_a_bad_value_is_refused_with_its_place(section: str, name: str, value: str, nova_conf: Write) -> None:
    path = nova_conf(f"[{section}]\n{name} = {value}\n")

    with pytest.raises(BadConfiguration) as caught:
        load(path)

    for part in (str(path), section, name):
        assert part in caught.value.message


@pytest.mark.parametrize("text", ["report_interval = 5", "[DEFAULT\nhost = a", "[DEFAULT]\n= 5"])
def test_a_file_that_is_no_ini_is_refused(text: str, nova_conf: Write) -> None:
    with pytest.raises(BadConfiguration, match=r"nova\.conf"):
        load(nova_conf(text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        load(tmp_path / "nova.conf")


def test_what_is_given_counts_more_than_the_file(nova_conf: Write) -> None:
    path = nova_conf("[DEFAULT]\nstate_path = /from/file\nhost = file\n")

    config = load(path, given={"DEFAULT": {"state_path": "/given"}, "simulated": {"hosts": 7}})

    assert config.default.state_path == "/given"
    assert config.database.connection == "sqlite:////given/kilonova.db"
    assert config.default.host == "file"
    assert config.simulated.hosts == 7


def test_a_value_that_refers_to_itself_is_refused(nova_conf: Write) -> None:
    with pytest.raises(BadConfiguration, match="refers to itself"):
        load(nova_conf("[DEFAULT]\nstate_path = $instances_path/x\ninstances_path = $state_path/y\n"))


def test_an_optional_value_left_empty_is_not_set(nova_conf: Write) -> None:
    assert load(nova_conf("[glance]\nendpoint_override =\n")).glance.endpoint_override is None


def test_without_a_file_oslo_config_is_not_loaded() -> None:
    code = "import sys; from kilonova.config.load import load; load(); sys.exit('oslo_config' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_sample_read_back_is_the_defaults(nova_conf: Write, caplog: pytest.LogCaptureFixture) -> None:
    out = io.StringIO()
    write_sample(out)
    meant = out.getvalue().replace("#host = <this machine's name>\n", "").replace("#state_path = ~/.kilonova\n", "")
    lines = [
        line.removeprefix("#") if line.startswith("#") and not line.startswith("# ") else line
        for line in meant.splitlines()
    ]

    assert load(nova_conf("\n".join(lines))) == load()
    assert caplog.text == ""


def test_every_option_says_what_it_does() -> None:
    missing: list[Any] = [
        (section, name) for section, table in options().items() for name, option in table.items() if not option.help
    ]
    assert missing == []
    assert set(options()) == {field.encode_name for field in _fields()}


def _fields() -> Any:
    return msgspec.structs.fields(Config)


def test_every_line_of_a_repeated_option_counts(nova_conf: Write) -> None:
    config = load(nova_conf('[pci]\nalias = {"name": "gpu"}\nalias = {"name": "nic"}\n[simulated]\npci_device =\n'))

    assert config.pci.alias == ('{"name": "gpu"}', '{"name": "nic"}')
    assert config.simulated.pci_device == ()
