"""A small PostgreSQL client in pure Python: connect, query, close. Speaks protocol 3 with SCRAM-SHA-256, without TLS.

    with connect("postgres", password="…") as database:
        database.query("insert into orders values ($1, $2)", 1, "pear")
        rows = database.query("select count(*) from orders")
"""

import base64
import hashlib
import hmac
import os
import socket
import struct

__version__ = "1.0.0"


class DatabaseError(Exception):
    """The server said no; `code` is its five-letter SQLSTATE."""

    def __init__(self, message: str, code: str = ""):
        super().__init__(message)
        self.code = code


def connect(
    host: str,
    port: int = 5432,
    user: str = "postgres",
    password: str = "",
    database: str | None = None,
    timeout: float = 5.0,
) -> "Connection":
    """Connects and signs in. Raises OSError if no server is reached, DatabaseError if it refuses.

    The timeout is for each answer, in seconds: a query that takes longer raises TimeoutError.
    """
    return Connection(host, port, user, password, database or user, timeout)


class Connection:
    """A signed-in connection. Not for use by several threads at once."""

    def __init__(self, host: str, port: int, user: str, password: str, database: str, timeout: float):
        self._socket = socket.create_connection((host, port), timeout)
        self._buffer = b""
        try:
            parameters = {"user": user, "database": database, "client_encoding": "UTF8", "application_name": "orchard-pg"}
            packed = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
            self._socket.sendall(struct.pack("!ii", len(packed) + 8, 3 << 16) + packed)
            self._sign_in(user, password)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def query(self, sql: str, *values: object) -> list[tuple[str | None, ...]]:
        """Runs SQL; gives the rows of the last statement, each value as text or None.

        With values, the SQL is one statement, in which $1 stands for the first of them: they can't be taken for SQL.
        """
        if values:
            self._send_statement(sql, values)
        else:
            self._send(b"Q", sql.encode() + b"\0")
        rows: list[tuple[str | None, ...]] = []
        collected: list[tuple[str | None, ...]] = []
        failure: DatabaseError | None = None
        while True:
            kind, body = self._receive()
            if kind == b"D":
                collected.append(self._row(body))
            elif kind == b"C":
                rows, collected = collected, []
            elif kind == b"G":
                self._send(b"f", b"orchard-pg has nothing to copy from\0")
            elif kind == b"E":
                failure = self._error(body)
            elif kind == b"Z":
                if failure is not None:
                    raise failure
                return rows

    def close(self) -> None:
        """Says goodbye. Closing a closed connection does nothing."""
        try:
            self._send(b"X", b"")
        except OSError:
            pass
        self._socket.close()

    def _send_statement(self, sql: str, values: tuple[object, ...]) -> None:
        packed = b""
        for value in values:
            text = None if value is None else str(value).encode()
            packed += struct.pack("!i", -1) if text is None else struct.pack("!i", len(text)) + text
        self._send(b"P", b"\0" + sql.encode() + b"\0" + struct.pack("!h", 0))
        self._send(b"B", b"\0\0" + struct.pack("!hh", 0, len(values)) + packed + struct.pack("!h", 0))
        self._send(b"E", b"\0" + struct.pack("!i", 0))
        self._send(b"S", b"")

    def _sign_in(self, user: str, password: str) -> None:
        client_nonce = base64.b64encode(os.urandom(18)).decode()
        first_bare = f"n=,r={client_nonce}"
        signature = b""
        server_proved = True
        while True:
            kind, body = self._receive()
            if kind == b"E":
                raise self._error(body)
            if kind == b"Z":
                if not server_proved:
                    raise DatabaseError("the server did not prove that it knows the password")
                return
            if kind != b"R":
                continue
            (step,) = struct.unpack_from("!i", body)
            if step == 0:
                continue
            if step == 3:
                self._send(b"p", password.encode() + b"\0")
            elif step == 5:
                inner = hashlib.md5(password.encode() + user.encode()).hexdigest()
                self._send(b"p", b"md5" + hashlib.md5(inner.encode() + body[4:8]).hexdigest().encode() + b"\0")
            elif step == 10:
                first = f"n,,{first_bare}".encode()
                self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
            elif step == 11:
                server_first = body[4:].decode()
                fields = dict(part.split("=", 1) for part in server_first.split(","))
                if not fields["r"].startswith(client_nonce):
                    raise DatabaseError("the server answered with a nonce that is not ours")
                salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
                final = f"c=biws,r={fields['r']}"
                message = f"{first_bare},{server_first},{final}".encode()
                client_key = hmac.digest(salted, b"Client Key", "sha256")
                proof = bytes(
                    a ^ b
                    for a, b in zip(client_key, hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256"))
                )
                signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
                server_proved = False
                self._send(b"p", f"{final},p={base64.b64encode(proof).decode()}".encode())
            elif step == 12:
                fields = dict(part.split("=", 1) for part in body[4:].decode().split(","))
                if not hmac.compare_digest(base64.b64decode(fields.get("v", "")), signature):
                    raise DatabaseError("the server could not prove that it knows the password")
                server_proved = True
            else:
                raise DatabaseError(f"the server asks for a way to sign in ({step}) that orchard-pg does not know")

    def _row(self, body: bytes) -> tuple[str | None, ...]:
        (count,) = struct.unpack_from("!h", body)
        values: list[str | None] = []
        offset = 2
        for _ in range(count):
            (length,) = struct.unpack_from("!i", body, offset)
            offset += 4
            values.append(None if length < 0 else body[offset : offset + length].decode())
            offset += max(length, 0)
        return tuple(values)

    def _error(self, body: bytes) -> DatabaseError:
        fields = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
        return DatabaseError(fields.get(b"M", "unknown error"), fields.get(b"C", ""))

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _receive(self) -> tuple[bytes, bytes]:
        header = self._read(5)
        return header[:1], self._read(struct.unpack("!i", header[1:])[0] - 4)

    def _read(self, count: int) -> bytes:
        while len(self._buffer) < count:
            chunk = self._socket.recv(65536)
            if not chunk:
                raise DatabaseError("the server closed the connection")
            self._buffer += chunk
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data
