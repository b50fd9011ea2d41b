"""Quantization, from MegEngine's modules to artifacts."""
