"""Sums the orders up and writes the summary down."""

import json
import os
from pathlib import Path

from orchard_etl import __version__, total

from pipeline.steps.extract import extract


def summarise() -> dict[str, str | int]:
    """How many orders there are and what they come to."""
    orders = list(extract())
    return {"rows": len(orders), "total": str(total(orders)), "library": __version__}


def write(summary: dict[str, str | int]) -> None:
    """Writes the summary to /app/out (or OUT_DIR), which must be writable."""
    folder = Path(os.environ.get("OUT_DIR", "/app/out"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(summary) + "\n")
