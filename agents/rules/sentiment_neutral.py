"""Sentiment-neutral: what is left of a sentiment agent where there is no news to read."""

from agents.rules.rule import MarketView, Opinion, hold, register


@register("sentiment_neutral")
class SentimentNeutral:
    """Always HOLD.

    The language model that stands here in production reads news; this rule has none, and a sentiment made up
    from prices would be momentum under another name. So it takes no side, and says why.
    """

    def decide(self, view: MarketView) -> Opinion:
        return hold(f"No news about {view.symbol} is read here, so there is no sentiment to trade on.")
