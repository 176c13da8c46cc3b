"""Comparing runs: from run directories to a table, a verdict in words and a page. Reads files only."""
