"""Pieces of screens: each is given a view and draws its part of it, line by line, and repaints only what differs."""
