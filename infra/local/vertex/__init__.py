"""Vertex AI on this machine: the public endpoint API in front of a local model server."""
