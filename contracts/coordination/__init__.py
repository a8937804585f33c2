"""The rules of speaking on a desk, pure: the coordination job applies them, the gateway answers by them."""
