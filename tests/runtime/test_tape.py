"""The tape gives back what it was given, loses only what was not written, and never half of anything."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.brokers.dispatch import Report, What
from qkt.core.events import Tick
from qkt.runtime.errors import StateError
from qkt.runtime.inputs import LIVE, CommandInput, GapInput, Input, TickInput, TimerInput, VenueInput
from qkt.runtime.tape import MAGIC, TapeWriter, read_since, read_tape, segments
from tests.runtime.samples import ticks

price = st.floats(min_value=1e-6, max_value=1e9)
maybe = st.none() | price
inputs: st.SearchStrategy[Input] = st.one_of(
    st.builds(
        TickInput,
        st.builds(
            Tick,
            st.sampled_from(["SIM:A", "SIM:Bé", "X:C.d"]),
            st.integers(0, 1 << 45),
            price,
            maybe,
            maybe,
            maybe,
            st.integers(0, 2),
            maybe,
            maybe,
        ),
        st.integers(LIVE, 1 << 40),
        st.booleans(),
    ),
    st.builds(TimerInput, st.integers(0, 1 << 45)),
    st.builds(CommandInput, st.integers(0, 1 << 45), st.sampled_from(["halt", "cancel"]), st.text(), st.just({"a": 1})),
    st.builds(GapInput, st.integers(0, 1 << 45), st.none() | st.integers(0, 1 << 45), st.text()),
    st.builds(
        VenueInput,
        st.integers(0, 1 << 45),
        st.builds(
            Report,
            st.sampled_from(What),
            token=st.text(),
            quantity=st.decimals("0.01", 9, places=2),
            price=st.decimals("0.00001", 9, places=5),
            swap=st.decimals("-9", 9, places=2),
            hedging=st.booleans(),
        ),
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(inputs, st.sampled_from(["", "flush", "sync", "reopen"])), max_size=60))
def test_what_goes_in_comes_out_whenever_it_was_written(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:
    folder = tmp_path_factory.mktemp("tape")
    writer = TapeWriter(folder, segment_bytes=500)
    for item, then in steps:
        writer.append(item)
        if then == "flush":
            writer.flush()
        elif then == "sync":
            writer.sync()
        elif then == "reopen":
            writer.close()
            writer = TapeWriter(folder, segment_bytes=500)
    writer.close()
    assert list(read_tape(folder)) == [(number, item) for number, (item, _) in enumerate(steps, 1)]


def recorded(folder: Path, blocks: int = 5, per_block: int = 40) -> list[tuple[int, Input]]:
    writer = TapeWriter(folder)
    for n, tick in enumerate(ticks(blocks * per_block), 1):
        writer.append_tick(tick, n)
        if n % per_block == 0:
            writer.flush()
    writer.close()
    return list(read_tape(folder))


def test_a_torn_end_is_cut_at_any_byte_and_writing_goes_on_behind_the_last_whole_block(tmp_path: Path) -> None:
    whole = recorded(tmp_path)
    [file] = segments(tmp_path)
    data = file.read_bytes()
    for size in (*range(40), *range(len(data) - 90, len(data)), len(data) // 2):
        file.write_bytes(data[:size])
        left = list(read_tape(tmp_path))
        assert left == whole[: len(left)]
        assert len(left) % 40 == 0
        writer = TapeWriter(tmp_path)
        assert writer.next == len(left) + 1
        writer.append(TimerInput(5))
        writer.close()
        assert list(read_tape(tmp_path)) == [*left, (len(left) + 1, TimerInput(5))]


@pytest.mark.parametrize(
    "left", [b"", MAGIC[:4], MAGIC, bytes(7), bytes(5_000)], ids=["empty", "begun", "no names", "a few zeros", "zeros"]
)
def test_a_segment_that_was_begun_and_not_written_goes_on_with_what_the_journal_kept(tmp_path: Path, left: bytes) -> None:
    *before, after = ticks(4)
    writer = TapeWriter(tmp_path, segment_bytes=1)
    for n, tick in enumerate(before, 1):
        writer.append_tick(tick, n)
        block = writer.take()
        assert block is not None
        writer.write(block)
    writer.close()
    whole = list(read_tape(tmp_path))
    segments(tmp_path)[-1].write_bytes(left)
    assert list(read_tape(tmp_path, [block.stored])) == whole
    again = TapeWriter(tmp_path, lost=[block.stored])
    again.append_tick(after, 4)
    again.close()
    assert list(read_tape(tmp_path)) == [*whole, (4, TickInput(after, 4))]
    assert [number for number, _ in read_since(tmp_path, before[-1].ts)] == [3, 4]  # it can be read by itself


def test_zeros_before_whole_blocks_are_no_torn_end(tmp_path: Path) -> None:
    recorded(tmp_path)
    [file] = segments(tmp_path)
    file.write_bytes(bytes(11) + file.read_bytes()[11:])
    with pytest.raises(StateError, match="does not begin"):
        TapeWriter(tmp_path)


def test_damage_before_whole_blocks_is_no_torn_end(tmp_path: Path) -> None:
    recorded(tmp_path)
    [file] = segments(tmp_path)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(StateError, match="damaged"):
        list(read_tape(tmp_path))
    with pytest.raises(StateError, match="damaged"):
        TapeWriter(tmp_path)


def test_a_newer_tape_is_refused(tmp_path: Path) -> None:
    recorded(tmp_path)
    [file] = segments(tmp_path)
    file.write_bytes(b"qkt-tape 9\n" + file.read_bytes()[11:])
    with pytest.raises(StateError, match="does not begin"):
        TapeWriter(tmp_path)


def test_a_segment_that_is_gone_is_noticed(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path, segment_bytes=1)
    for n, tick in enumerate(ticks(3), 1):
        writer.append_tick(tick, n)
        writer.flush()
    writer.close()
    segments(tmp_path)[1].unlink()
    with pytest.raises(StateError, match="follows"):
        list(read_tape(tmp_path))


def test_a_disk_that_refuses_loses_nothing(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path)
    writer.append(TimerInput(1))
    writer.flush()
    real = writer._file
    assert real is not None

    class Full:
        """Takes ten bytes and refuses the rest."""

        def write(self, data: bytes) -> int:
            real.write(data[:10])
            raise OSError(28, "No space left on device")

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

    writer._file = Full()  # type: ignore[assignment]
    writer.append(TimerInput(2))
    for _ in range(3):
        with pytest.raises(OSError, match="space"):
            writer.flush()
        assert len(list(read_tape(tmp_path))) == 1
    writer._file = real
    writer.append(TimerInput(3))
    writer.close()
    assert [item for _, item in read_tape(tmp_path)] == [TimerInput(1), TimerInput(2), TimerInput(3)]
