pytest_plugins = ["tests.counts", "tests.servers.fixtures"]
