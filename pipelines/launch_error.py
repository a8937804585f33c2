"""What launching can end with."""


class LaunchError(Exception):
    """The job cannot be launched as asked; the text says what to change."""
