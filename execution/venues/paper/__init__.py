"""The paper venue: real prices, made-up money."""
