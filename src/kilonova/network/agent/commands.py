"""Running the system's tools, in the host's network namespace or another. Blocking: for the agent's own thread."""

import ctypes
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kilonova.network.errors import NetworkUnavailable

NAMESPACES = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
# Tools may live where an ordinary user's PATH does not look.
_ENVIRONMENT = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", "LC_ALL": "C"}
_libc = ctypes.CDLL(None, use_errno=True)


def run(*arguments: str, feed: str = "") -> str:
    """The program's output. Errors: NetworkUnavailable with the program's own words."""
    try:
        done = subprocess.run(
            arguments, input=feed, capture_output=True, text=True, env=_ENVIRONMENT, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NetworkUnavailable(f"{arguments[0]} could not be run: {error}") from error
    if done.returncode != 0:
        raise NetworkUnavailable(f"{' '.join(arguments)} failed: {(done.stderr or done.stdout).strip()[:500]}")
    return done.stdout


def ip_batch(lines: Iterable[str], *, namespace: str | None = None) -> None:
    """All `lines` (each an `ip` command without the word ip) in one process."""
    text = "\n".join(lines)
    if text:
        where = ("-n", namespace) if namespace else ()
        run("ip", *where, "-batch", "-", feed=text + "\n")


def namespaces() -> set[str]:
    """Names of all named network namespaces."""
    return set(os.listdir(NAMESPACES)) if NAMESPACES.is_dir() else set()


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread works in `namespace`: its sockets, its sysctls, the programs it starts. Other threads stay."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = _open_namespace(namespace)
        try:
            _enter(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(home)


def _open_namespace(namespace: str) -> int:
    try:
        return os.open(NAMESPACES / namespace, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NetworkUnavailable(f"no network namespace {namespace}: {error}") from error


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise NetworkUnavailable(f"cannot change the network namespace: {os.strerror(ctypes.get_errno())}")


def set_sysctl(name: str, value: str) -> None:
    """`name` with slashes (`net/ipv4/ip_forward`), in the thread's namespace. A missing one is none of our needs."""
    path = Path("/proc/sys") / name
    if path.exists():
        path.write_text(value)
