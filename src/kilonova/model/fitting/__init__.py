"""Fitting guests into hosts: NUMA cells, dedicated CPUs, huge pages, PCI devices. Pure, and exact."""
