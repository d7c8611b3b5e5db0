"""The emulator's process: ends, cleanly, when the process that started it does.

Its standard input is a pipe that nobody writes to. The end of that pipe is the end of the parent,
whichever way it went, also by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
import threading


def _stop_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    # To the Lambdas' processes, too, which would go on with what they do; we lead their group.
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    from ministack.app import main

    threading.Thread(target=_stop_with_parent, daemon=True).start()
    sys.argv = ["ministack"]
    main()
