"""Operator cases end to end."""
