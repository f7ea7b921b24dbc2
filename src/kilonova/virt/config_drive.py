"""The config drive: an ISO 9660 image named `config-2`, written without any external program."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath

import pycdlib

# What cloud-init and every other guest-side reader looks for. Source: OpenStack, "config drives".
_LABEL = "config-2"


def write_config_drive(target: Path, files: Mapping[str, bytes]) -> None:
    """Write an image with `files` (relative POSIX path → content) to `target`, whole or not at all. Blocks.

    Names keep their case and length through Rock Ridge (Linux) and Joliet (Windows). Errors: ValueError for a path that
    is absolute or climbs.
    """
    paths = {_checked(name): content for name, content in files.items()}
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=_LABEL)
    iso_names = {PurePosixPath("."): ""}
    for number, directory in enumerate(_directories(paths)):
        iso_names[directory] = f"{iso_names[directory.parent]}/D{number:06}"
        image.add_directory(iso_names[directory], rr_name=directory.name, joliet_path=f"/{directory}")
    for number, (path, content) in enumerate(sorted(paths.items())):
        image.add_fp(
            BytesIO(content),
            len(content),
            f"{iso_names[path.parent]}/F{number:06}.;1",
            rr_name=path.name,
            joliet_path=f"/{path}",
        )
    fresh = target.with_name(target.name + ".new")
    image.write(str(fresh))
    image.close()
    fresh.replace(target)


def _checked(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"not a path inside the drive: {name!r}")
    return path


def _directories(paths: Mapping[PurePosixPath, bytes]) -> Iterator[PurePosixPath]:
    """Every directory above the files, parents first."""
    root = PurePosixPath(".")
    yield from sorted({parent for path in paths for parent in path.parents if parent != root})
