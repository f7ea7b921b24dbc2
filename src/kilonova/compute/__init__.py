"""nova-compute: the agent on a host. Drives a hypervisor; has no database access.

It owns no table; it keeps a small journal (epochs seen), the image cache and its guests' directories. It offers
`contract.compute.Compute` on topic `compute.HOST`, and needs the conductor, a hypervisor driver, the port plugger of
its host, and the image, network and volume services by REST. Runs once per host; a thousand simulated hosts fit in one
process.
"""
