"""Datasets of files: `folders` finds the files."""
