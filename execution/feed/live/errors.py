"""What ends a feed."""


class FeedError(Exception):
    """Raised when a feed cannot run at all; the text is one sentence for the user."""
