"""The words everyone speaks: messages, market data, orders, table rows, topics and the roster's schema."""
