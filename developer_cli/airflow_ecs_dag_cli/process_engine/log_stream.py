"""A container's output: written once, line by line, read by any number of followers.

The file holds the frames of Docker's multiplexed stream as they go over the wire: eight bytes (the stream's
number, three zeros, the length as a big-endian 32-bit number), then the line with its line feed. Standard
output and standard error share one pipe, so that their lines keep the order in which they were written;
the price is that every frame says "standard output".
"""

import asyncio
import struct
from array import array
from collections.abc import AsyncIterator
from pathlib import Path

_STDOUT = 1
_READ_BYTES = 256 * 1024
# CloudWatch Logs takes events of up to 256 KiB; a longer line is cut into parts of this size, in bytes.
MAX_LINE = 256 * 1024


class LogStream:
    """The log of one container, in a file of its own, so that it costs no memory however long it gets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb", buffering=0)
        self._partial = b""
        self._size = 0
        self._line_offsets = array("Q")
        self._changed = asyncio.Event()
        self.finished = False

    def write(self, output: bytes) -> None:
        """Add what the process has written; the last line waits until it is complete."""
        *lines, self._partial = (self._partial + output).split(b"\n")
        frames = [frame for line in lines for frame in self._frames(line + b"\n")]
        while len(self._partial) > MAX_LINE:
            frames += self._frames(self._partial[:MAX_LINE])
            self._partial = self._partial[MAX_LINE:]
        self._append(frames)

    def finish(self) -> None:
        """Nothing comes any more: give out a last line without line feed, and let the followers end."""
        if not self.finished:
            self._append(list(self._frames(self._partial)) if self._partial else [])
            self._partial = b""
            self.finished = True
            self._file.close()
            self._wake()

    def open(self, *, follow: bool, tail: int | None) -> AsyncIterator[bytes]:
        """The frames, in pieces of any length.

        The file is opened at once: a container that is deleted afterwards takes nothing from this reader.

        Args:
            follow: wait for more until the log is finished.
            tail: only this many of the lines that are there; None is all.
        """
        start = 0
        if tail is not None:
            count = len(self._line_offsets)
            start = self._line_offsets[count - tail] if 0 < tail <= count else (0 if tail else self._size)
        file = self._path.open("rb", buffering=0)
        file.seek(start)

        async def pieces() -> AsyncIterator[bytes]:
            with file:
                while True:
                    changed, finished = self._changed, self.finished
                    while piece := file.read(_READ_BYTES):
                        yield piece
                    if finished or not follow:
                        return
                    await changed.wait()

        return pieces()

    def _frames(self, line: bytes) -> list[bytes]:
        parts = [line[start : start + MAX_LINE] for start in range(0, len(line), MAX_LINE)]
        return [struct.pack(">BxxxL", _STDOUT, len(part)) + part for part in parts]

    def _append(self, frames: list[bytes]) -> None:
        if not frames:
            return
        for frame in frames:
            self._line_offsets.append(self._size)
            self._size += len(frame)
        data = memoryview(b"".join(frames))
        while data:
            data = data[self._file.write(data) :]
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
