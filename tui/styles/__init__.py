"""Roles in, colours and attributes out: the themes, and how each widget is laid out."""
