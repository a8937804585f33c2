"""The Aster venue: perpetuals on Aster DEX through ccxt."""
