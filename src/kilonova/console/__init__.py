"""Console tokens (consoleauth) and the proxies that honour them."""
