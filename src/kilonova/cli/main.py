"""`kilonova`: the command line. Each command is a module; only the one that is asked for is loaded."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kilonova.model.errors import KilonovaError

# httpx would bring a command line of its own along, with rich and pygments: 3 MB and 60 ms that no service needs.
sys.modules["httpx._main"] = None  # type: ignore[assignment]


def _state_dir(parser: argparse.ArgumentParser) -> None:
    default = Path(os.environ.get("KILONOVA_STATE_DIR") or Path.home() / ".kilonova")
    parser.add_argument("--state-dir", type=Path, default=default, metavar="DIR", help=f"default: {default}")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def _up(parser: argparse.ArgumentParser) -> None:
    _state_dir(parser)
    parser.add_argument("--listen", default=None, metavar="ADDR:PORT", help="default: 127.0.0.1:8774")
    parser.add_argument("--driver", choices=["auto", "libvirt", "simulated"], default=None)
    parser.add_argument("--hosts", type=int, default=None, metavar="N", help="simulated compute hosts, 1 to 10000")
    parser.add_argument(
        "--boot", nargs="?", const="hello", default=None, metavar="NAME", help="boot a server, show how"
    )
    parser.add_argument("--detach", action="store_true", help="return once healthy; stop it with `down`")
    parser.add_argument("--config-file", type=Path, default=None, metavar="FILE", help="a nova.conf")


def _down(parser: argparse.ArgumentParser) -> None:
    _state_dir(parser)
    parser.add_argument("--all", action="store_true", help="remove guests, bridges, namespaces and rules as well")


def _status(parser: argparse.ArgumentParser) -> None:
    _state_dir(parser)
    _json(parser)


def _trace(parser: argparse.ArgumentParser) -> None:
    _state_dir(parser)
    _json(parser)
    parser.add_argument("server", metavar="SERVER", help="name or id")


def _serve(parser: argparse.ArgumentParser) -> None:
    _state_dir(parser)
    parser.add_argument("roles", nargs="+", metavar="ROLE", help="api, conductor, compute …")
    parser.add_argument("--config-file", type=Path, default=None, metavar="FILE", help="a nova.conf")


def _db(parser: argparse.ArgumentParser) -> None:
    _state_dir(parser)
    parser.add_argument("verb", choices=["upgrade"])
    parser.add_argument("--config-file", type=Path, default=None, metavar="FILE", help="a nova.conf")


def _explain(parser: argparse.ArgumentParser) -> None:
    _state_dir(parser)
    _json(parser)
    parser.add_argument("server", nargs="?", metavar="SERVER", help="one there is, by name or id; else a new one:")
    parser.add_argument("--file", type=Path, metavar="BODY.json", help="the body of a create")
    parser.add_argument("--flavor", metavar="F")
    parser.add_argument("--image", metavar="I", help="default: the first there is")
    parser.add_argument("--network", action="append", default=[], metavar="N", help="may be given again")
    parser.add_argument("--no-network", action="store_true")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--zone", metavar="ZONE")
    parser.add_argument("--host", metavar="HOST", help="of all hosts only this one")
    parser.add_argument("--hint", action="append", default=[], metavar="NAME=VALUE", help="may be given again")
    parser.add_argument("--user", default="admin", help="default: admin, who sees the names of hosts")
    parser.add_argument("--project", default=None, help="default: the user's own")


def _config(parser: argparse.ArgumentParser) -> None:
    del parser


def _openapi(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", default="latest", metavar="2.N", help="default: the newest")
    parser.add_argument("--page", action="store_true", help="a page of all versions instead of a document of one")


def _simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "fleet", type=Path, metavar="FLEET.yaml", help="hosts, requests, how long; see benchmarks/fleets"
    )
    parser.add_argument("--trace", type=Path, default=None, metavar="T.csv", help="requests as they came")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0; the same seed, the same run")
    parser.add_argument(
        "--json", type=Path, default=None, metavar="OUT", help="write the result; - for standard output"
    )
    parser.add_argument("--html", type=Path, default=None, metavar="OUT", help="write a page with pictures")
    parser.add_argument("--png", type=Path, default=None, metavar="OUT", help="write that page as a picture (Chromium)")


def _cloud_or_fleet(parser: argparse.ArgumentParser) -> None:
    _of_the_cloud(parser)
    parser.add_argument("--fleet", type=Path, default=None, metavar="FLEET.yaml", help="default: the running cloud")


def _of_the_cloud(parser: argparse.ArgumentParser) -> None:
    _state_dir(parser)
    _json(parser)
    parser.add_argument(
        "--config-file",
        type=Path,
        default=None,
        metavar="FILE",
        help="default: the nova.conf the cloud was started with",
    )


def _capacity(parser: argparse.ArgumentParser) -> None:
    _cloud_or_fleet(parser)
    parser.add_argument("--flavor", required=True, metavar="NAME")
    parser.add_argument("--zone", default=None, metavar="ZONE", help="only there")


def _drain_plan(parser: argparse.ArgumentParser) -> None:
    _cloud_or_fleet(parser)
    parser.add_argument("emptied", nargs="+", metavar="HOST")


def _at_once(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at-once", type=_positive, default=4, metavar="N", help="moves at a time; default: 4")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 up")
    return int(text)


def _host(parser: argparse.ArgumentParser) -> None:
    _state_dir(parser)
    _json(parser)
    parser.add_argument("verb", choices=["drain", "undrain"], help="move everything away, or take servers again")
    parser.add_argument("host", metavar="HOST")
    parser.add_argument("--wait", action="store_true", help="go on until it is empty, trying again what did not move")
    parser.add_argument("--reason", default="drained for maintenance", metavar="TEXT", help="shown with the service")
    _at_once(parser)


def _rebalance(parser: argparse.ArgumentParser) -> None:
    _of_the_cloud(parser)
    parser.add_argument("--moves", type=_positive, default=20, metavar="N", help="at most; default: 20")
    parser.add_argument("--apply", action="store_true", help="make the moves; without it they are only told")
    _at_once(parser)


def _conformance(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--facts", type=Path, default=None, metavar="DIR", help="default: KILONOVA_FACTS or ../shared")
    parser.add_argument("--tempest", action="store_true", help="Tempest too")
    parser.add_argument("--smoke", action="store_true", help="the steps of the openstack client too")
    parser.add_argument(
        "--driver",
        choices=["simulated", "libvirt"],
        default="simulated",
        help="what these two run against: two simulated hosts (default), or this host's own guests",
    )
    parser.add_argument("--without-schemathesis", action="store_true", help="leave it out")


def _test(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="checks and quick tests only")
    parser.epilog = "All other words go to pytest: -k NAME, --durations=5, tests/api …"


COMMANDS = {
    "up": ("start a whole cloud in one process", _up),
    "down": ("stop it; guests keep running", _down),
    "status": ("what runs and how it is", _status),
    "doctor": ("what is missing or broken here, and what mends it", _status),
    "trace": ("how a server came to be, step by step", _trace),
    "explain": ("where a server would go and why, or why nowhere", _explain),
    "serve": ("one or more services in this process", _serve),
    "db": ("bring the database up to date", _db),
    "sample-config": ("print a nova.conf with every option", _config),
    "openapi": ("print the Compute API's description", _openapi),
    "simulate": ("how a described fleet would do, under virtual time", _simulate),
    "capacity": ("how many more servers of a flavor fit, and where", _capacity),
    "drain-plan": ("where the servers of some hosts would go", _drain_plan),
    "host": ("empty a host for maintenance, or bring it back", _host),
    "rebalance": ("moves that even out the hosts; made with --apply", _rebalance),
    "conformance": ("hold the API against Nova's tables, samples and clients", _conformance),
    "test": ("run every check and every test", _test),
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="kilonova", description="A whole compute cloud in one command.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (summary, arguments) in COMMANDS.items():
        arguments(commands.add_parser(name, help=summary, description=summary, allow_abbrev=name != "test"))
    return top


def parse(words: Sequence[str]) -> argparse.Namespace:
    """What the words ask for; those that `test` does not know are for pytest. Exits with 2 at any others not known."""
    known = parser()
    given, rest = known.parse_known_args(words)
    if given.command == "test":
        given.pytest = [word for word in rest if word != "--"]
    elif rest:
        known.error(f"unrecognized arguments: {' '.join(rest)}")
    return given


def main() -> None:
    """Exits 0 when all is well, 1 with one line that says why not, 2 for words it does not know."""
    given = parse(sys.argv[1:])
    name = "detach" if getattr(given, "detach", False) else given.command.replace("-", "_")
    command = importlib.import_module(f"kilonova.cli.{name}")
    try:
        sys.exit(command.run(given))
    except (KilonovaError, OSError, ValueError) as error:
        print(f"kilonova: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
