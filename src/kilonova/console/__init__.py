"""Console tokens (consoleauth) and the proxies that honour them.

Owns the table `console_tokens`. Offers `contract.console.ConsoleAuth` on topic `consoleauth`, and an ASGI application
with the pages (noVNC, spice-html5) and WebSockets of all console types. Needs a database for the former, only
consoleauth's proxy for the latter. Guests are reached by the address their host gave, never by anything a browser says.
"""
