"""Things kept true for ever, one module each."""
