"""Private servers for tests: started by the first test that asks, on free ports of 127.0.0.1, gone with the session."""
