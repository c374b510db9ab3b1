"""A WebSocket client (RFC 6455) in the standard library, as small as it can be: text frames, pings, abrupt ends."""
import base64
import hashlib
import os
import socket
import struct
import urllib.parse

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class Closed(Exception):
    """The connection ended. `code` as in the close frame, 1006 when there was none."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code


class WebSocket:
    def __init__(self, url, subprotocol, timeout_s=10):
        parts = urllib.parse.urlsplit(url)
        address = (parts.hostname, parts.port or 80)
        self.socket = socket.create_connection(address, timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self._handshake(parts, subprotocol)

    def _handshake(self, parts, subprotocol):
        key = base64.b64encode(os.urandom(16))
        lines = [
            f"GET {parts.path or '/'} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key.decode()}",
            f"Sec-WebSocket-Protocol: {subprotocol}",
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._receive_more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status, *headers = head.decode().split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in headers)}
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        assert " 101 " in status, status
        assert fields["sec-websocket-accept"] == accept, "the server did not read the key"
        assert fields.get("sec-websocket-protocol") == subprotocol, "the server speaks another subprotocol"

    def send(self, text):
        self._send_frame(TEXT, text.encode())

    def _send_frame(self, opcode, data):
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i & 3] for i, byte in enumerate(data))
        self.socket.sendall(head + mask + masked)

    def receive(self, timeout_s):
        """The next text, or None when none came within the time."""
        message = b""
        self.socket.settimeout(timeout_s)
        while True:
            try:
                final, opcode, data = self._receive_frame()
            except (TimeoutError, socket.timeout):
                return None
            if opcode == PING:
                self._send_frame(PONG, data)
            elif opcode == CLOSE:
                code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
                raise Closed(code, data[2:].decode())
            elif opcode != PONG:
                message += data
                if final:
                    return message.decode()

    def _receive_frame(self):
        # Bytes are only taken from the buffer when the frame is whole, so that a time-out in its middle loses nothing.
        while True:
            frame = self._take_frame()
            if frame is not None:
                return frame
            self._receive_more()

    def _take_frame(self):
        if len(self.buffer) < 2:
            return None
        first, second = self.buffer[0], self.buffer[1]
        size, start = second & 0x7F, 2
        if size >= 126:
            width, code = (2, "!H") if size == 126 else (8, "!Q")
            start += width
            if len(self.buffer) < start:
                return None
            size = struct.unpack(code, self.buffer[2:start])[0]
        if len(self.buffer) < start + size:
            return None
        data, self.buffer = self.buffer[start : start + size], self.buffer[start + size :]
        return bool(first & 0x80), first & 0x0F, data

    def _receive_more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(1006, str(error)) from error
        if not data:
            raise Closed(1006)
        self.buffer += data

    def cut(self, unfinished=None):
        """Ends it as a pulled cable does: no close frame, and what the system still holds is thrown away.

        Of the text `unfinished` only the first half goes out.
        """
        if unfinished is not None:
            half = unfinished.encode()[: len(unfinished) // 2]
            self.socket.sendall(struct.pack("!BBH", 0x80 | TEXT, 0x80 | 126, 2 * len(half)) + bytes(4) + half)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
