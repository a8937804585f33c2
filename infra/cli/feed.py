"""`sapphire feed`: the live market, published and recorded."""

from execution.feed.live.command import EXAMPLE, feed

__all__ = ["EXAMPLE", "feed"]
