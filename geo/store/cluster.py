"""A private PostgreSQL cluster in a folder of ours, beside whatever else runs on the machine.

It listens on a unix socket only, inside a folder that only its owner (and root) may enter, so it
needs no password and no port. PostgreSQL refuses to run as root: there the server runs as an
unprivileged user (`postgres` where the package made one, else `nobody`).
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from geo.errors import ClusterFailed
from geo.store.service_role import ROLE

DATABASE = "pinward"
SUPERUSER = "pinward"
# Signs in for the service: a member of its role, and nothing else.
SERVICE = "pinward_app"
# Seconds it may take to come up or down: after a power cut, or with much to write, on a slow disk.
PATIENCE_S = "600"

# A unix socket's path may have 107 bytes; ".s.PGSQL.5432.lock" is 18 of them.
_LONGEST_SOCKET_FOLDER = 85

_TUNING = {
    "listen_addresses": "''",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "maintenance_work_mem": "256MB",
    "work_mem": "32MB",
    # A page's first change after a checkpoint is logged whole: of a report's many indexes that is
    # most of what is written. So checkpoints are seldom, and pages are packed (`_PACKED`).
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "max_connections": "100",
    "random_page_cost": "1.1",
    # Short statements dominate; compiling them costs more than it gains.
    "jit": "off",
    "timezone": "UTC",
    "log_min_duration_statement": "2000",
    # What is slow or fails is logged as it was asked, without what people wrote: no parameters, no
    # rows that a constraint refused, no lines of a COPY.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
# Since PostgreSQL 15. What 14 has instead takes longer than it saves.
_PACKED = {"wal_compression": "lz4"}
# For throw-away clusters of the tests: nothing in them outlives the run.
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Cluster:
    """One cluster under `folder`; `durable=False` trades safety for speed in tests."""

    def __init__(self, folder: Path, durable: bool = True) -> None:
        self.folder = folder.resolve()
        self.durable = durable
        self._owner = _unprivileged_user() if os.geteuid() == 0 else None
        mark = hashlib.sha256(str(self.folder).encode()).hexdigest()[:10]
        home = self.folder
        if self._owner and not _reachable(self.folder, self._owner):
            # Root's own folders are closed to the server's user; the cluster moves out of them.
            home = Path("/var/lib/pinward") / mark
        self.home = home
        self.data = home / "postgres"
        self.log = home / "postgres.log"
        sockets = home / "socket"
        if len(str(sockets)) > _LONGEST_SOCKET_FOLDER:
            sockets = Path(tempfile.gettempdir()) / f"pinward-{mark}"
        self.sockets = sockets

    def url(self, database: str = DATABASE) -> str:
        """libpq URL of a database in this cluster."""
        return f"postgresql:///{database}?host={quote(str(self.sockets))}&user={SUPERUSER}"

    def service_url(self, database: str = DATABASE) -> str:
        """The same for the service, by a role that owns nothing."""
        return f"postgresql:///{database}?host={quote(str(self.sockets))}&user={SERVICE}"

    def running(self) -> bool:
        """Whether the server of this cluster is up."""
        if not (self.data / "postmaster.pid").exists():
            return False
        return self._run("pg_ctl", "status", "-D", str(self.data), check=False).returncode == 0

    def start(self) -> str:
        """Make the cluster if it is not there, start it if it is not up; returns the URL."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.running():
            self._ensure_roles()
            return self.url()
        for folder in (self.home, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
        self._own(self.sockets)
        self.sockets.chmod(0o700)
        fresh = not (self.data / "PG_VERSION").exists()
        if fresh:
            self._initialise()
        self._configure()
        self._own(self.log, touch=True)
        self._run(
            *("pg_ctl", "start", "-w", "-t", PATIENCE_S, "-D", str(self.data)),
            *("-l", str(self.log), "-s"),
        )
        self._ensure_database()
        self._ensure_roles()
        return self.url()

    def stop(self) -> None:
        """Stop the server, letting running transactions end quickly; quiet when it is not up."""
        if self.running():
            self._run(
                *("pg_ctl", "stop", "-w", "-t", PATIENCE_S, "-m", "fast", "-D", str(self.data)),
                "-s",
            )

    def remove(self) -> None:
        """Stop and delete everything."""
        self.stop()
        for folder in (self.data, self.sockets):
            shutil.rmtree(folder, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        if self.home != self.folder:
            shutil.rmtree(self.home, ignore_errors=True)

    def _initialise(self) -> None:
        # A half-made cluster of an interrupted first start is made anew.
        shutil.rmtree(self.data, ignore_errors=True)
        making = self.data.with_name("postgres.making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        self._own(making)
        self._run(
            "initdb",
            *("-D", str(making), "-U", SUPERUSER, "-A", "trust"),
            *("-E", "UTF8", "--locale", "C.UTF-8"),
            *(() if self.durable else ("--no-sync",)),
        )
        making.rename(self.data)

    def _configure(self) -> None:
        settings = dict(_TUNING, unix_socket_directories=f"'{self.sockets}'")
        if int((self.data / "PG_VERSION").read_text().split(".")[0]) >= 15:
            settings |= _PACKED
        if not self.durable:
            settings |= _NOT_DURABLE
        path = self.data / "postgresql.auto.conf"
        path.write_text(
            "# written by pinward at every start\n"
            + "".join(f"{name} = {value}\n" for name, value in settings.items()),
            encoding="utf-8",
        )
        self._own(path)

    def _ensure_database(self) -> None:
        if not self._psql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
            self._psql(f"CREATE DATABASE {DATABASE}")

    def _ensure_roles(self) -> None:
        there = self._psql("SELECT rolname FROM pg_roles").split()
        if ROLE not in there:
            self._psql(f"CREATE ROLE {ROLE} NOLOGIN")
        if SERVICE not in there:
            self._psql(f"CREATE ROLE {SERVICE} LOGIN IN ROLE {ROLE}")

    def _psql(self, statement: str) -> str:
        where = ("-h", str(self.sockets), "-U", SUPERUSER, "-d", "postgres")
        return self._run("psql", "-X", "-q", *where, "-Atc", statement).stdout.strip()

    def _own(self, path: Path, touch: bool = False) -> None:
        if touch:
            path.touch()
        if self._owner:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)

    def _run(
        self, program: str, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        owner = self._owner
        # The server inherits what it is started with: give it files, not our pipes.
        with tempfile.TemporaryFile("w+") as out:
            done = subprocess.run(
                [str(binary(program)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**_environment(), "HOME": owner.pw_dir} if owner else _environment(),
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
                check=False,
                start_new_session=True,
            )
            out.seek(0)
            text = out.read()
        if check and done.returncode != 0:
            tail = self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""
            raise ClusterFailed(f"{program} failed: {text.strip()}\n{tail}".rstrip())
        return subprocess.CompletedProcess(done.args, done.returncode, text, "")


def _environment() -> dict[str, str]:
    # A PGDATA, PGHOST … meant for another server must not lead ours astray.
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ClusterFailed("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _reachable(folder: Path, user: pwd.struct_passwd) -> bool:
    """Whether `user` may enter every folder above `folder`."""
    for parent in folder.parents:
        if not parent.exists():
            continue
        mode = parent.stat()
        allowed = (
            mode.st_mode & 0o001
            or (mode.st_uid == user.pw_uid and mode.st_mode & 0o100)
            or (mode.st_gid == user.pw_gid and mode.st_mode & 0o010)
        )
        if not allowed:
            return False
    return True


def binary(program: str) -> Path:
    """A PostgreSQL program of the newest server installed that has PostGIS; on PATH otherwise."""
    candidates = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
        *Path("/usr/local/opt").glob("postgresql@*/bin"),
    ]
    servers = [folder for folder in candidates if (folder / "initdb").exists()]
    servers.sort(key=lambda folder: (_has_postgis(folder), _version(folder)), reverse=True)
    for folder in servers:
        if (folder / program).exists():
            return folder / program
    found = shutil.which(program)
    if not found:
        raise ClusterFailed(
            f"PostgreSQL's {program} was not found; run `make install`, or install PostgreSQL "
            "with PostGIS"
        )
    return Path(found)


def _version(folder: Path) -> int:
    digits = "".join(c for c in folder.parent.name if c.isdigit())
    return int(digits or 0)


def _has_postgis(folder: Path) -> bool:
    shared = Path("/usr/share/postgresql") / folder.parent.name / "extension" / "postgis.control"
    brewed = any(folder.parent.glob("share/**/extension/postgis.control"))
    return shared.exists() or brewed
