"""What happens to a stream: one concept a file, a Beam PTransform around a Beam-free core."""
