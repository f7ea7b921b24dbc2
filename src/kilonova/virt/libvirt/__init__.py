"""Real guests: QEMU through libvirt, on KVM where it is fast and QEMU's translator where not.

`driver.LibvirtHypervisor` is the Hypervisor. It owns `instances/` and `libvirt/` below its state directory and needs
libvirtd, virtlogd and qemu-img installed. Import `driver` only where guests really run: it loads libvirt.
"""
