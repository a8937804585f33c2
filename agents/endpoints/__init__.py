"""The client side of the agents' endpoints: found once, asked with a deadline, answered by an outcome."""
