"""What a sale over HTTP cannot undercut in Python: Flask, JSON, twelve rows, one flush.

It checks nothing, prints nothing and remembers nobody. Database wheel, key, page size,
synchronous=FULL and gunicorn's settings are the hub's.

    python -m tests.bench.plain_flask FOLDER ADDRESS_FILE
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from core.sqlite import Door, Migration
from core.tests.world import KEY
from hub.serve import Serving, _Program

ROWS = 12
TABLE = Migration(
    "plain/1",
    (
        """CREATE TABLE row (
             id INTEGER PRIMARY KEY, sale TEXT NOT NULL, item TEXT NOT NULL,
             name TEXT NOT NULL, quantity INTEGER NOT NULL, amount INTEGER NOT NULL
           ) STRICT""",
        "CREATE INDEX row_by_sale ON row (sale)",
    ),
)
INSERT = "INSERT INTO row (sale, item, name, quantity, amount) VALUES (?, ?, ?, ?, ?)"


def make_plain_app(path: Path) -> Flask:
    """Return the endpoint; each thread has a connection of its own."""
    app = Flask("plain")
    door = Door(path, key=KEY, migrations=(TABLE,))
    held = threading.local()

    def connection() -> Any:
        if not hasattr(held, "connection"):
            held.lent = door.connection()
            held.connection = held.lent.__enter__()
        return held.connection

    @app.post("/sale")
    def sale() -> Response:
        asked = request.get_json()
        db = connection()
        db.execute("BEGIN IMMEDIATE")
        for row in asked["rows"]:
            db.execute(
                INSERT,
                (asked["sale"], row["item"], row["name"], row["quantity"], row["amount"]),
            )
        db.execute("COMMIT")
        return jsonify(sale=asked["sale"], total=sum(row["amount"] for row in asked["rows"]))

    @app.get("/health")
    def health() -> Response:
        return jsonify(ok=True)

    return app


class _Plain(_Program):
    """The hub's own gunicorn, with another application in it."""

    def load(self) -> Flask:
        return make_plain_app(self._folder / "plain.db")


def main(folder: Path, address_file: Path) -> None:
    def ready(address: str) -> None:
        written = address_file.with_suffix(".new")
        written.write_text(address)
        written.replace(address_file)

    _Plain(folder, Serving(bind="127.0.0.1:0", ready=ready)).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
