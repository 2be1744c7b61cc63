"""How connections are dealt to server processes: each has a listening socket of its own, all at one address.

With one socket for all, whoever wakes first takes every connection that waits: eight that came together were served by
one process throughout, and the other core did nothing. So the kernel deals them out (SO_REUSEPORT, socket(7)). What it
deals to a process that is dead, starting or stuck would wait there, so the others look in at its door at every tick of
theirs.
"""

import asyncio
import select
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import uvicorn

_AT_ONCE = 64
"""Connections taken from a neighbour at one tick; ten ticks a second."""


class SharingServer(uvicorn.Server):
    """`others`: the listening sockets of the other server processes."""

    def __init__(self, config: uvicorn.Config, *, others: Sequence[socket.socket]) -> None:
        super().__init__(config)
        self._others = {other.fileno(): other for other in others}
        self._waiting = select.poll()
        for number in self._others:
            self._waiting.register(number, select.POLLIN)

    async def on_tick(self, counter: int) -> bool:
        for number, _ in self._waiting.poll(0):
            for _ in range(_AT_ONCE):
                try:
                    connection, _ = self._others[number].accept()
                except OSError:
                    break
                await self._take(connection)
        return await super().on_tick(counter)

    async def _take(self, connection: socket.socket) -> None:
        """The protocol is made as uvicorn makes it for connections that it accepts itself."""
        loop = asyncio.get_running_loop()
        make_protocol = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        await loop.connect_accepted_socket(
            partial(
                make_protocol,
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
                _loop=loop,
            ),
            connection,
        )
