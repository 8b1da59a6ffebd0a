import socket

import psutil

from dashboard import undelayed


def test_what_a_listening_socket_accepts_sends_without_delay():
    with socket.socket() as listening:  # as Streamlit makes it: of no protocol, so that asyncio leaves the delay on
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        undelayed.listen_undelayed()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.proto == 0
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        listening.getsockname()  # still open


def test_where_the_system_does_not_tell_nothing_happens(monkeypatch):
    def refuse(*_):
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "net_connections", refuse)
    undelayed.listen_undelayed()
