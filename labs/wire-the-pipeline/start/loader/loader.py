"""Orchard's loader: puts a batch of orders into the warehouse every second, and tries again if it can't."""

import os
import random
import time

import orchard_pg

# Where the database is. The default worked on a laptop where both ran side by side.
DB_HOST = os.environ.get("DB_HOST", "localhost")
DB_PORT = int(os.environ.get("DB_PORT", "5432"))
DB_PASSWORD = os.environ.get("DB_PASSWORD", "")

SECONDS_BETWEEN_BATCHES = 1

CREATE_TABLE = """
    create table if not exists batches (
        id serial primary key,
        orders int not null,
        loaded_at timestamptz not null default now()
    )
"""


def load(orders: int) -> str:
    with orchard_pg.connect(DB_HOST, DB_PORT, password=DB_PASSWORD, database="orchard", timeout=2) as database:
        database.query(CREATE_TABLE)
        return database.query(f"insert into batches (orders) values ({orders}) returning id")[0][0] or ""


try:
    while True:
        orders = random.randint(20, 80)
        try:
            print(f"batch {load(orders)}: {orders} orders into {DB_HOST}:{DB_PORT}", flush=True)
        except (OSError, orchard_pg.DatabaseError) as error:
            print(f"could not load into {DB_HOST}:{DB_PORT}: {error}", flush=True)
        time.sleep(SECONDS_BETWEEN_BATCHES)
except KeyboardInterrupt:
    print("stopped", flush=True)
