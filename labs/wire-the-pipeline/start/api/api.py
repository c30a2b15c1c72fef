"""Orchard's orders API: GET / answers how many batches the warehouse holds, GET /alive that the API itself is up."""

import json
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orchard_pg

# Where this service listens. The default lets in only programs that share its loopback interface.
BIND = os.environ.get("BIND", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8000"))

# Where the database is. The default worked on a laptop where both ran side by side.
DB_HOST = os.environ.get("DB_HOST", "localhost")
DB_PORT = int(os.environ.get("DB_PORT", "5432"))
DB_PASSWORD = os.environ.get("DB_PASSWORD", "")


def count_batches() -> int:
    with orchard_pg.connect(DB_HOST, DB_PORT, password=DB_PASSWORD, database="orchard", timeout=2) as database:
        (there_is_a_table,) = database.query("select to_regclass('batches') is not null")[0]
        return int(database.query("select count(*) from batches")[0][0] or 0) if there_is_a_table == "t" else 0


def wait_for_the_database() -> None:
    while True:
        try:
            print(f"database {DB_HOST}:{DB_PORT}: {count_batches()} batches", flush=True)
            return
        except (OSError, orchard_pg.DatabaseError) as error:
            print(f"database {DB_HOST}:{DB_PORT}: {error}", flush=True)
            time.sleep(1)


class Orders(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, answer = 200, {"service": "orders", "database": DB_HOST}
        if self.path != "/alive":
            try:
                answer["batches"] = count_batches()
            except (OSError, orchard_pg.DatabaseError) as error:
                status, answer["error"] = 503, str(error)
        body = (json.dumps(answer) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        # HTTPServer looks its own address up backwards, which takes seconds where no name server answers.
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()[:2]


print(f"listening on {BIND}:{PORT}", flush=True)
threading.Thread(target=wait_for_the_database, daemon=True).start()
try:
    Server((BIND, PORT), Orders).serve_forever()
except KeyboardInterrupt:
    print("stopped", flush=True)
