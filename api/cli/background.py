"""A process that outlives the command that started it, and that only its own record can stop.

A pid alone is a guess: pids are used again. The record keeps when the process began, and nothing is
signalled unless that still agrees.
"""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A server started by a command: where it listens, and what tells it from others."""

    pid: int
    began: str
    host: str
    port: int

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _began(self.pid) == self.began

    def reap(self) -> None:
        """Let it go if it is a child of ours that ended; a zombie keeps its pid."""
        with suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)

    def stop(self, patience_s: float = 15.0) -> None:
        """Ask it and its workers to end, insist after `patience_s`; quiet when it is gone."""
        for what, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 5.0)):
            if not self.alive():
                return
            with suppress(ProcessLookupError):
                if what == signal.SIGTERM:
                    # It ends its workers itself; ended beside it, they would be made anew.
                    os.kill(self.pid, what)
                else:
                    # It leads a session, and so a group, of its own: its workers are in it.
                    os.killpg(self.pid, what)
            end = time.monotonic() + wait_s
            while self.alive() and time.monotonic() < end:
                self.reap()
                time.sleep(0.05)


def start(command: list[str], env: dict[str, str], log: Path, host: str, port: int) -> Process:
    """Start `command` in a session of its own, its output appended to `log`."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )
    return Process(child.pid, _began(child.pid) or "", host, port)


def write(path: Path, process: Process) -> None:
    """Keep the record."""
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(asdict(process)), encoding="utf-8")
    aside.replace(path)


def read(path: Path) -> Process | None:
    """The process of a record, if it still runs."""
    try:
        found = Process(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.began and found.alive() else None


def _began(pid: int) -> str | None:
    """When a process began, as this system tells it; None for no process or a dead one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() else _began_by_ps(pid)
    # The name, in brackets, may hold anything; what follows it is fixed.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else ticks


def _began_by_ps(pid: int) -> str | None:
    # macOS has no /proc.
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, began = done.stdout.strip().partition(" ")
    return began.strip() if began and not state.startswith("Z") else None
