"""Measurements of the running service beside others doing the same work; README.md lists them."""
