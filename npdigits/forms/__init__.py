"""Digits in the files that people have: recognized by their content, and brought to one form."""
