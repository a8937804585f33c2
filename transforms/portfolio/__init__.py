"""The desk's book: positions, risk, sizing, orders and capital, one state machine for each desk."""
