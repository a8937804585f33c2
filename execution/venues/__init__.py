"""Where orders go: one class a venue, behind one protocol."""
