"""The things of the network API, one module each: what they are made of, how they come, change and go."""
