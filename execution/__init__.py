"""Everything that touches an exchange: feed, venues, orders, ledger and the service's API."""
