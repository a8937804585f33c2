"""Protection at the last door: limits, kill switch and dead-man timer that trust nobody before them."""
