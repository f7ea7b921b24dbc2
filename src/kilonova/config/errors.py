"""What is wrong with a configuration."""

from kilonova.model.errors import KilonovaError


class BadConfiguration(KilonovaError):
    """The message names the file, the section, the option and what is wrong."""
