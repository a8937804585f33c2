"""The risk rules of a desk: pure, so that the desk that keeps the book and whoever asks first judge by the same code."""
