"""The tables of the screens, a file for each kind of row: rows of the control API in, cells out."""
