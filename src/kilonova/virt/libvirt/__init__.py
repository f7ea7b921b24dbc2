"""The libvirt driver: KVM where it is fast, else QEMU's TCG. The only importer of libvirt."""
