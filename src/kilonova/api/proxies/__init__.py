"""What compute once was the way to (until 2.35): images, networks, floating IPs, security groups, volumes, snapshots.

Each call is passed on to the service that has the thing, with the caller's own token, and its answer shown in the old
words. Image metadata lived until 2.38. Sources of members: the API samples of each.
"""
