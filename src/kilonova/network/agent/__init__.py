"""The network agent of a host: makes bridges, DHCP, routers and guards as the network service wants them.

Declarative: `host_network.HostNetwork.converge` takes all that is wanted on the host and does only what differs.
`agent.Agent` hears the bells, asks the service, converges, reports. Without root or tools `no_network.NoNetworkAgent`
stands in. Everything made here bears a prefix of its own per cloud (`names`), and nothing else is ever touched.
"""
