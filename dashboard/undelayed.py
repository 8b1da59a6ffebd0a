"""Answers leave at once: what the server writes in two pieces must not wait for the browser to acknowledge the first.

asyncio turns that wait off (TCP_NODELAY) only for sockets that say they are TCP, and the one on which Streamlit listens
does not (it is made with protocol 0): header and body of every picture, and the small messages of a page, came 40 ms
apart. The connections take the option over from the socket that listens, so it is set there.
https://github.com/Kludex/uvicorn/issues/3149
"""

import os
import socket

import psutil


def listen_undelayed() -> None:
    """Have every connection that this process accepts from now on send without delay."""
    try:
        found = psutil.Process().net_connections("tcp")
    except (psutil.Error, OSError):  # where it may not be asked, answers come a little later
        return
    for one in found:
        if one.status == psutil.CONN_LISTEN and one.fd >= 0:
            with socket.socket(fileno=os.dup(one.fd)) as listening:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
