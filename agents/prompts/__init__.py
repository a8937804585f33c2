"""Prompts: versioned templates, and what is asked with them."""
