"""What a compiled strategy remembers from bar to bar, in plain lists that can be looked at and written down."""

from __future__ import annotations

from dataclasses import dataclass, field

from qkt.lang.program import CheckedStrategy
from qkt.lang.sequence_machine import SequenceMachine


@dataclass
class Memory:
    """`fired` is the edge of every rule, `refused` tells that the venue refused the order of a firing, `crossed` is the memory
    of every CROSSES and `met` what it came to at its last evaluation, `captured` is the memory of every snapshot, `sides` the
    sign of the position at the last close by alias."""

    fired: list[bool]
    refused: list[bool]
    crossed: list[bool | None]
    met: list[bool | None]
    captured: list[float | None]
    sides: dict[str, float]
    sequences: dict[str, SequenceMachine] = field(default_factory=dict)

    @classmethod
    def of(cls, program: CheckedStrategy, crossings: int, snapshots: int) -> Memory:
        """Nothing remembered yet."""
        return cls(
            fired=[False] * len(program.rules),
            refused=[False] * len(program.rules),
            crossed=[None] * crossings,
            met=[None] * crossings,
            captured=[None] * snapshots,
            sides={stream.alias: 0.0 for stream in program.streams},
            sequences={s.name: SequenceMachine([stage.within_ms for stage in s.stages]) for s in program.sequences},
        )
