"""The screens and dialogs, a file for each. They compose panes and route; what things mean is decided elsewhere."""
