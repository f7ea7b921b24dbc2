"""Guest images for tests, and plain QEMU to boot them in."""
