"""Deployment: what stands behind each Vertex AI endpoint, what that costs, and the calls that bring it there."""
