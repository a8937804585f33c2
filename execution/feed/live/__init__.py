"""The venue's market as it happens: from ccxt's connection to market-data, and to a recording.

    connection   one WebSocket connection through ccxt, kept up; book snapshots over REST
    frames       what came in and waits to be taken, bounded
    book_chain   follows the book's update ids, and tells when a snapshot is needed
    live_feed    takes the frames, four times a second: recording, columns, Pub/Sub
    command      `python -m execution.feed.live` and `sapphire feed`

ccxt brings the connection, its dialling, pings and request limits, the markets and the REST calls. The frames are
taken before ccxt's own parsers: its unified structures lose the book's update ids (U, u, pu), its order book
subscribes to the twenty best levels rather than to the changes, and one frame that is not JSON ends its reading of
the connection for good.
"""
