"""What stops the stack: each error is one sentence for the person who started it, and names the way out."""


class StackError(RuntimeError):
    """The local stack cannot start or go on; the text says why and what to do."""
