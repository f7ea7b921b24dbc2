"""Which nova.conf a command goes by that asks a running cloud."""

from argparse import Namespace
from pathlib import Path

from kilonova.cli.up import configuration_of_cloud
from kilonova.launch.running import Life


async def test_a_command_goes_by_the_nova_conf_the_cloud_was_started_with(tmp_path: Path) -> None:
    own, other = tmp_path / "own.conf", tmp_path / "other.conf"
    own.write_text("[filter_scheduler]\nmax_instances_per_host = 7\n")
    other.write_text("[filter_scheduler]\nmax_instances_per_host = 8\n")

    def most(config_file: Path | None = None) -> int:
        given = Namespace(state_dir=tmp_path, config_file=config_file)
        return configuration_of_cloud(given).filter_scheduler.max_instances_per_host

    life = Life(tmp_path)
    await life.begin(alone=True)
    life.announce(base_url="http://here", driver="simulated", config_file=own)
    assert (most(), most(other)) == (7, 8)
    life.end()
    assert most() == 50
