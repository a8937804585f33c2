"""How Sapphire is run: local stack, cloud resources, containers, monitoring."""
