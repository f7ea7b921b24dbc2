"""Real guests, in a whole cloud on the libvirt driver: what a user does with them and sees."""
