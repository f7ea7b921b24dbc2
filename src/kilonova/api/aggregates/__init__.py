"""Host aggregates: made, changed, hosts added and removed, metadata, images to have ready on their hosts."""
