"""Keras's public names as they were read off it, and what of them is here, with which arguments, tested where."""
