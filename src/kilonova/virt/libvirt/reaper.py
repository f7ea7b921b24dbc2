"""The parent of a private libvirtd and its guests: `python reaper.py JOB`, standard library only, no kilonova imports.

Why it exists: QEMU daemonises, so its parent would be PID 1, and libvirt waits until a dead guest is gone from the
process table; where PID 1 reaps slowly every stop of a guest would take seconds. As a child subreaper this process
reaps at once. It also owns the private mount namespace, and starts a daemon again that died.

JOB is JSON: `lock` (a file locked while we live, holding our pid), `binds` ([source, target] pairs for a private mount
namespace; empty for none), `hide` (mounts to drop from it), `hostname` (the machine's for them; null: its own),
`daemons` (argument lists; the last is libvirtd, the others must outlive the guests), `environment`.

SIGTERM: stop libvirtd; leave once the guests are gone too. SIGUSR1: after a SIGTERM, start libvirtd again.
SIGHUP: start libvirtd anew.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import sys
import time
from typing import NoReturn

# Numbers from linux/prctl.h, linux/sched.h and linux/mount.h.
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CLONE_NEWNS, _CLONE_NEWUTS = 0x00020000, 0x04000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH = 2
# A daemon that dies at once is not started more often than this.
_RESTART_S = 0.2

_SIGNALS = {signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGCHLD}

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _lock(path: str) -> bool:
    """Hold the lock until we die; False when another does. Leaves our pid in the file."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.ftruncate(file, 0)
    os.write(file, str(os.getpid()).encode())
    return True


def _private_mounts(binds: list[list[str]], hide: list[str]) -> None:
    _checked(_libc.unshare(_CLONE_NEWNS), "unshare")
    _checked(_libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "make mounts private")
    for source, target in binds:
        os.makedirs(source, exist_ok=True)
        os.makedirs(target, exist_ok=True)
        _checked(_libc.mount(source.encode(), target.encode(), None, _MS_BIND, None), f"bind {target}")
    for path in hide:
        if os.path.ismount(path):
            _checked(_libc.umount2(path.encode(), _MNT_DETACH), f"hide {path}")


def _own_name(name: str) -> None:
    _checked(_libc.unshare(_CLONE_NEWUTS), "unshare")
    socket.sethostname(name)


class Reaper:
    def __init__(self, daemons: list[list[str]], environment: dict[str, str]) -> None:
        self._helpers, self._libvirtd = daemons[:-1], daemons[-1]
        self._environment = {**os.environ, **environment}
        self._pids: dict[int, list[str]] = {}
        self._wanted = True
        self._started_at: dict[str, float] = {}

    def run(self) -> None:
        """Until the daemons are told to stop and every guest has ended."""
        while self._keep_running():
            self._on_signal(signal.sigwait(_SIGNALS))

    def _keep_running(self) -> bool:
        self._reap()
        missing = [command for command in self._helpers if command not in self._pids.values()]
        if self._wanted and self._libvirtd not in self._pids.values():
            missing.append(self._libvirtd)
        alone = self._childless()
        if not self._wanted and alone:
            for pid in self._pids:
                os.kill(pid, signal.SIGTERM)
            return bool(self._pids)
        for command in missing:
            self._spawn(command)
        return True

    def _spawn(self, command: list[str]) -> None:
        time.sleep(max(0.0, self._started_at.get(command[0], 0.0) + _RESTART_S - time.monotonic()))
        self._started_at[command[0]] = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._become(command)
        self._pids[pid] = command

    def _become(self, command: list[str]) -> NoReturn:
        try:
            # Should we be killed, the daemons make room for our successor's.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.execvpe(command[0], command, self._environment)
        finally:
            print(f"cannot run {command[0]}", file=sys.stderr, flush=True)
            os._exit(127)

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGTERM:
            self._wanted = False
        elif number == signal.SIGUSR1:
            self._wanted = True
        if number in (signal.SIGTERM, signal.SIGHUP):
            for pid, command in self._pids.items():
                if command is self._libvirtd:
                    os.kill(pid, signal.SIGTERM)

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._pids.pop(pid, None)

    def _childless(self) -> bool:
        """No libvirtd and no guests: nothing lives below us but the helpers."""
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            children = {int(pid) for pid in file.read().split()}
        helpers = {pid for pid, command in self._pids.items() if command is not self._libvirtd}
        return children <= helpers


def main() -> int:
    job = json.loads(sys.argv[1])
    # Before the lock: who sees it held may signal at once.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    if not _lock(job["lock"]):
        return 0
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")
    if job["binds"]:
        _private_mounts(job["binds"], job["hide"])
    if job["hostname"]:
        _own_name(job["hostname"])
    Reaper(job["daemons"], job["environment"]).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
