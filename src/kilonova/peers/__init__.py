"""REST clients of the four neighbours: identity, image, network, volume; embedded or the real ones."""
