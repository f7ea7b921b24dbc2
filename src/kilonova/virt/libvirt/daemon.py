"""A private libvirtd and virtlogd below a state directory, started when they do not run and left running with guests.

As root they live in a mount namespace where libvirt's fixed directories are ours, in the root network namespace (the
network agent's bridges and taps are there). Without root they are libvirt's session daemons, told by XDG variables.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import NamedTuple

from kilonova.model.errors import HypervisorUnavailable
from kilonova.virt.libvirt import reaper
from kilonova.virt.libvirt.settings import Scheme
from kilonova.virt.libvirt.short_path import short_alias

# The names of their sockets.
_LIBVIRTD, _VIRTLOGD = "libvirt-sock", "virtlogd-sock"

_START_DEADLINE_S = 15.0
_STOP_DEADLINE_S = 10.0
_LOOK_AGAIN_S = 0.01
_LOG_TAIL = 600
# The kernel's limit.
_LONGEST_NAME = 64
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# Each of these libvirt keeps at a fixed place; in the daemon's mount namespace ours is there instead.
_FIXED = {
    "run": "/run/libvirt",
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "log": "/var/log/libvirt",
    "cache": "/var/cache/libvirt",
}

# cgroup_controllers: with none at all a restarted libvirtd kills its guests; with the default list too where
# cgroup v1 and v2 are mixed. cpuacct alone survives restarts on both.
_QEMU_CONF = """\
namespaces = []
security_driver = "none"
remember_owner = 0
seccomp_sandbox = 1
stdio_handler = "logd"
vnc_listen = "127.0.0.1"
spice_listen = "127.0.0.1"
max_core = 0
"""
_INBOUND_QEMU_CONF = """\
migration_address = "{address}"
"""
_ROOT_QEMU_CONF = """\
user = "root"
group = "root"
dynamic_ownership = 0
cgroup_controllers = [ "cpuacct" ]
"""
_LIBVIRTD_CONF = """\
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
max_clients = 50
min_workers = 2
log_level = 3
host_uuid = "{host_uuid}"
listen_tcp = {tcp}
listen_tls = {tls}
auth_tcp = "none"
"""
_INBOUND_LIBVIRTD_CONF = """\
listen_addr = "{address}"
"""
# A guest that floods its console must not fill the host's disk: two files of 2 MiB.
_VIRTLOGD_CONF = """\
max_size = 2097152
max_backups = 1
log_level = 3
"""


class Inbound(NamedTuple):
    """Where the libvirt of other hosts reaches this one. Who comes by `tcp` is asked for nothing."""

    address: str
    scheme: Scheme


class PrivateDaemon:
    """`home` holds all files; `session` means without root. Methods block: call them off the loop.

    Without `inbound` no other host can connect. With it, `host` is the machine's name to libvirt, which moves no guest
    between two of one name.
    """

    def __init__(self, home: Path, *, session: bool, host: str = "", inbound: Inbound | None = None) -> None:
        self._home = home
        self._session = session
        self._host = host
        self._inbound = inbound
        self._lock = home / "reaper.pid"
        self._log = home / "daemon.log"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """For libvirt.open; valid after `ensure`."""
        return f"qemu+unix:///{'session' if self._session else 'system'}?socket={self._socket(_LIBVIRTD)}"

    @property
    def pids(self) -> Path:
        """Where libvirt keeps the pid file of each running QEMU."""
        return self._home / ("run/libvirt/qemu/run" if self._session else "run/qemu")

    @property
    def qemu_logs(self) -> Path:
        return self._home / ("cache/libvirt/qemu/log" if self._session else "log/qemu")

    def ensure(self) -> None:
        """Return when both daemons take connections. Errors: HypervisorUnavailable with their last words."""
        for program in ("libvirtd", "virtlogd"):
            if shutil.which(program, path=_path()) is None:
                raise HypervisorUnavailable(f"{program} is not installed.")
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._reaper() is None:
            self._forget_last_boot()
        if self._write_configuration():
            self._signal(signal.SIGHUP)
        self._child = None
        deadline = time.monotonic() + _START_DEADLINE_S
        while not all(map(self._takes_connections, (_LIBVIRTD, _VIRTLOGD))):
            if time.monotonic() > deadline:
                self._signal(signal.SIGTERM)
                raise HypervisorUnavailable(f"libvirtd did not start: {self._last_words()}")
            self._wake()
            time.sleep(_LOOK_AGAIN_S)

    def stop(self) -> None:
        """Stop libvirtd, and where no guest runs the rest too; a guest's reaper goes with the last guest."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_DEADLINE_S
        while self._still_there() and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_S)

    def _still_there(self) -> bool:
        return self._takes_connections(_LIBVIRTD) or (self._reaper() is not None and not self._guests_run())

    def _guests_run(self) -> bool:
        # The files alone do not tell: a guest killed while libvirtd was away leaves its own behind.
        return any(_names_a_process(status.with_suffix(".pid")) for status in self.pids.glob("*.xml"))

    def _etc(self) -> Path:
        return self._home / ("config/libvirt" if self._session else "etc")

    def _socket(self, name: str) -> Path:
        run = short_alias(self._home) / "run"
        return (run / "libvirt" if self._session else run) / name

    def _write_configuration(self) -> bool:
        """True when something that libvirtd had read is different now."""
        etc = self._etc()
        etc.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._home / "run").mkdir(mode=0o700, exist_ok=True)
        files = {
            "qemu.conf": self._qemu_conf(),
            "libvirtd.conf": self._libvirtd_conf(),
            "virtlogd.conf": _VIRTLOGD_CONF,
        }
        changed = False
        for name, text in files.items():
            path = etc / name
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
                changed = True
        return changed

    def _qemu_conf(self) -> str:
        inbound = _INBOUND_QEMU_CONF.format(address=self._inbound.address) if self._inbound else ""
        return _QEMU_CONF + inbound + ("" if self._session else _ROOT_QEMU_CONF)

    def _libvirtd_conf(self) -> str:
        scheme = self._inbound.scheme if self._inbound else None
        inbound = _INBOUND_LIBVIRTD_CONF.format(address=self._inbound.address) if self._inbound else ""
        common = _LIBVIRTD_CONF.format(host_uuid=self._host_uuid(), tcp=int(scheme == "tcp"), tls=int(scheme == "tls"))
        return common + inbound

    def _host_uuid(self) -> str:
        """Of this state directory; libvirt tells hosts apart by it, and the machine's own may be shared or missing."""
        path = self._home / "host-uuid"
        if not path.exists():
            path.write_text(str(uuid.uuid4()))
        return path.read_text().strip()

    def _job(self) -> dict[str, object]:
        etc = self._etc() if self._session else Path(_FIXED["etc"])
        run = self._home / "run"
        return {
            "lock": str(self._lock),
            "binds": [] if self._session else [[str(self._home / ours), theirs] for ours, theirs in _FIXED.items()],
            "hide": ["/sys/fs/cgroup/unified"],
            "hostname": self._host[:_LONGEST_NAME] if self._inbound and not self._session else None,
            "daemons": [
                ["virtlogd", "-f", str(etc / "virtlogd.conf"), "-p", str(run / "virtlogd.pid")],
                ["libvirtd", "--listen", "-f", str(etc / "libvirtd.conf"), "-p", str(run / "libvirtd.pid")],
            ],
            "environment": self._environment(),
        }

    def _environment(self) -> dict[str, str]:
        path = {"PATH": _path()}
        if not self._session:
            return path
        short = short_alias(self._home)
        return path | {
            "HOME": str(short),
            "XDG_RUNTIME_DIR": str(short / "run"),
            "XDG_CONFIG_HOME": str(short / "config"),
            "XDG_CACHE_HOME": str(short / "cache"),
            "XDG_DATA_HOME": str(short / "data"),
        }

    def _wake(self) -> None:
        """Bring libvirtd back where a stop left only the guests' reaper; start a reaper where there is none."""
        if self._signal(signal.SIGUSR1):
            return
        ended = None if self._child is None else self._child.poll()
        if ended:
            self._child = None
            raise HypervisorUnavailable(f"libvirtd's reaper could not start: {self._last_words()}")
        if self._child is None or ended == 0:
            self._start()

    def _signal(self, number: signal.Signals) -> bool:
        """False when no reaper lives."""
        pid = self._reaper()
        if pid is not None:
            os.kill(pid, number)
        return pid is not None

    def _start(self) -> None:
        command = [sys.executable, "-I", "-S", reaper.__file__, json.dumps(self._job())]
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )

    def _reaper(self) -> int | None:
        """Its pid while it lives; told by the lock it holds, so a number used again cannot fool us."""
        try:
            file = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.read(file, 20) or 0) or None
        finally:
            os.close(file)
        return None

    def _forget_last_boot(self) -> None:
        """What libvirt keeps in /run is true for one boot only; read after another it would look for dead guests."""
        boot_id = _BOOT_ID.read_text()
        mark = self._home / "run-of-boot"
        if not mark.exists() or mark.read_text() != boot_id:
            shutil.rmtree(self._home / "run", ignore_errors=True)
            mark.write_text(boot_id)
        self._socket(_LIBVIRTD).unlink(missing_ok=True)

    def _takes_connections(self, name: str) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket(name)))
            except OSError:
                return False
            return True

    def _last_words(self) -> str:
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return text[-_LOG_TAIL:].strip() or "it said nothing"


def _names_a_process(file: Path) -> bool:
    try:
        return Path(f"/proc/{int(file.read_text())}").exists()
    except (FileNotFoundError, ValueError):
        return False


def _path() -> str:
    """Daemons live in sbin, which is not on everybody's path."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
