"""`down --all`: everything of a cloud on this machine goes: what runs, and what is kept."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from kilonova.aio.blocking import blocking
from kilonova.config.options import Config
from kilonova.launch.state_dir import StateDir
from kilonova.model.ids import HostName
from kilonova.network.agent.host_network import HostNetwork
from kilonova.network.agent.names import prefix_for


async def remove_all(state_dir: Path) -> Sequence[str]:
    """Guests, the private libvirt, bridges, namespaces, rules, and the state directory. Says what went."""
    said = []
    state = StateDir(state_dir)
    # A cloud of simulated hosts has none, nor need libvirt be installed for it.
    if (state.compute / "libvirt").exists():
        said.append(await _remove_guests(state))
    if os.geteuid() == 0:
        network = HostNetwork(prefix=prefix_for(state.root), state_dir=state.network)
        await blocking(network.remove_all)
        said.append("networks removed")
    await blocking(shutil.rmtree, state.root, ignore_errors=True)
    said.append(f"{state.root} removed")
    return said


async def _remove_guests(state: StateDir) -> str:
    # libvirt is loaded where it is used only.
    from kilonova.virt.libvirt.driver import LibvirtHypervisor

    hypervisor = LibvirtHypervisor(state.compute, HostName(Config().default.host))
    await hypervisor.start()
    guests = await hypervisor.guests()
    for guest in guests:
        await hypervisor.destroy(guest.id)
    await hypervisor.close()
    return f"{len(guests)} guests removed"
