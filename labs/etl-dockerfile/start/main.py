"""Orchard's nightly load: reads the shops' orders, cleans them, writes a summary."""

import os
import signal
import sys
import time

from pipeline.report import summarise, write


def main() -> None:
    summary = summarise()
    write(summary)
    print(f"{summary['rows']} rows loaded, {summary['total']} EUR in all")
    # FOLLOW=1 keeps the job running for more orders, until it is asked to stop.
    if os.environ.get("FOLLOW") == "1":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print("waiting for more orders", flush=True)
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main()
