"""The part of a reverse proxy that Playwright can't play: Chromium before 151 sends a context's extra headers with
requests and not with the WebSocket's handshake, from which Streamlit reads them."""

import asyncio
import contextlib
import threading
from urllib.parse import urlsplit


class Forwarder:
    """Passes bytes on to ``address`` and adds ``header`` to every WebSocket's handshake. A thread, until ``stop()``."""

    def __init__(self, address: str, header: str):
        self._target = urlsplit(address)
        self._header = header.encode()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._in_loop(asyncio.start_server(self._pass_on, "127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._in_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _in_loop(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _close(self):
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"\r\nupgrade: websocket" in head.lower():
                head = head.replace(b"\r\n", b"\r\n" + self._header + b"\r\n", 1)
            there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
            back.write(head)
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        writer.close()


async def _copy(reader, writer):
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
