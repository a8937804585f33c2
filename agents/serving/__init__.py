"""The model server: the container behind a Vertex AI endpoint (AIP_* variables, instances in, predictions out)."""
