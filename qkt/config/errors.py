"""What is wrong with a configuration, in one sentence."""

from __future__ import annotations

from qkt.core.errors import QktError


class ConfigError(QktError):
    """A configuration that cannot be used."""
