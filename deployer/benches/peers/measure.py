"""Runs a command, and writes what it took into a file: `python3 measure.py RESULT LOG COMMAND...`

Of all processes that the command started and waited for. The largest of them counts as its memory, which is never less than this
Python's own, because a process begins as a copy of the one that starts it.
"""

import json
import resource
import subprocess
import sys
import time

result, log, *command = sys.argv[1:]
with open(log, "wb") as output:
    began = time.monotonic()
    code = subprocess.call(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    wall = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(result, "w") as file:
    json.dump({"code": code, "wall": wall, "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss * 1024}, file)
