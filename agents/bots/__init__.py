"""Two small rule programs that stand in for the real bots on the local stack and speak to the gateway as those do."""
