"""A config drive as a cloud hands it to a guest, written here without any of the cloud's code."""

import io
import json
from pathlib import Path
from typing import Any

import pycdlib


def write_config_drive(target: Path, meta_data: dict[str, Any], user_data: str | None = None) -> Path:
    """An ISO 9660 image labelled `config-2` with the OpenStack tree."""
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident="config-2")
    path = joliet = ""
    for plain, name in (("OPENSTACK", "openstack"), ("LATEST", "latest")):
        path, joliet = f"{path}/{plain}", f"{joliet}/{name}"
        image.add_directory(path, rr_name=name, joliet_path=joliet)
    files = {"meta_data.json": json.dumps(meta_data)}
    if user_data is not None:
        files["user_data"] = user_data
    for number, (name, text) in enumerate(files.items()):
        content = text.encode()
        image.add_fp(
            io.BytesIO(content), len(content), f"{path}/F{number}.;1", rr_name=name, joliet_path=f"{joliet}/{name}"
        )
    image.write(str(target))
    image.close()
    return target
