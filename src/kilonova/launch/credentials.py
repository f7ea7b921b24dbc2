"""How clients find and enter the cloud: clouds.yaml and openrc."""

from collections.abc import Mapping

from kilonova.launch.private_file import write_private
from kilonova.launch.state_dir import StateDir

_CLOUD = """\
  {name}:
    auth:
      auth_url: {base_url}/identity/v3
      username: {user}
      password: "{password}"
      project_name: {user}
      user_domain_name: Default
      project_domain_name: Default
    region_name: RegionOne
    interface: public
    identity_api_version: 3
"""

_OPENRC = """\
export OS_AUTH_URL={base_url}/identity/v3
export OS_USERNAME=demo
export OS_PASSWORD={password}
export OS_PROJECT_NAME=demo
export OS_USER_DOMAIN_NAME=Default
export OS_PROJECT_DOMAIN_NAME=Default
export OS_REGION_NAME=RegionOne
export OS_INTERFACE=public
export OS_IDENTITY_API_VERSION=3
"""


def write_credentials(state: StateDir, base_url: str, passwords: Mapping[str, str]) -> None:
    """Cloud `kilonova` is the user demo in the project demo, `kilonova-admin` the administrator. Mode 0600."""
    clouds = "clouds:\n"
    for name, user in (("kilonova", "demo"), ("kilonova-admin", "admin")):
        clouds += _CLOUD.format(name=name, user=user, password=passwords[user], base_url=base_url)
    write_private(state.clouds, clouds)
    write_private(state.openrc, _OPENRC.format(base_url=base_url, password=passwords["demo"]))
