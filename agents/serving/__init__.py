"""The model server: the container behind a Vertex AI endpoint (instances in, predictions out)."""
