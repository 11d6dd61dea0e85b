"""A job that does what its spec's ``act`` says, in place of training a model: for the tests of the runner."""

import json
import os
import signal
import sys
import time
from pathlib import Path

spec = json.loads(Path(sys.argv[1]).read_text())
starts = Path(spec["starts"])
with starts.open("a") as handle:
    handle.write(f"{spec['name']}\n")
act = spec["act"]
print(spec.get("says", ""), flush=True)
time.sleep(spec.get("seconds", 0))
if act == "die" or (act == "die once" and starts.read_text().count(f"{spec['name']}\n") == 1):
    os.kill(os.getpid(), signal.SIGKILL)
if act == "exit":
    sys.exit("the last line it said")
partial = Path(spec["result"] + ".partial")
partial.write_text(
    json.dumps({"status": "failed" if act == "fail" else "done", "name": spec["name"], "error": "it says"})
)
os.replace(partial, spec["result"])
