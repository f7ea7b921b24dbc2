pytest_plugins = ["tests.counts", "tests.leftovers", "tests.order", "tests.servers.fixtures"]
