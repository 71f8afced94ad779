"""What every entrance (service, command line) works out from the settings first."""

import getpass
import os
import re
import secrets
import sys

from geo.errors import Invalid, NotReady
from geo.photos.inbox import Inbox
from geo.photos.store import Store
from geo.reports.keys import Keys
from geo.settings import Settings
from geo.store import service_role
from geo.store.cluster import Cluster


def pinward(*arguments: str) -> list[str]:
    """The command line of `pinward …` in this very installation."""
    return [sys.executable, "-c", "from api.cli import main; main()", *arguments]


def operator() -> str:
    """Who runs a command, as the audit log names them: `command:<user of the machine>`."""
    try:
        return f"command:{getpass.getuser()}"
    except (KeyError, OSError):
        # No account by this number, as in many containers.
        return f"command:uid {os.getuid()}"


def database_url(settings: Settings) -> str:
    """The configured database, or the private cluster when it is up; raises `NotReady`.

    As its owner; where only the service's URL is set, as the service, which commands that change
    more than it may will not do with.
    """
    if settings.database_url or settings.service_database_url:
        return settings.database_url or settings.service_database_url
    cluster = Cluster(settings.state)
    if cluster.running():
        return cluster.url()
    raise NotReady(
        "there is no database to talk to: set PINWARD_DATABASE_URL, "
        "or start the private one with `pinward db start`"
    )


def service_database_url(settings: Settings) -> str:
    """What the service and its worker connect with: a role that owns nothing (`service_role`).

    Raises `NotReady` as `database_url` does.
    """
    if settings.service_database_url:
        return settings.service_database_url
    if settings.database_url:
        return service_role.as_service(settings.database_url)
    cluster = Cluster(settings.state)
    return cluster.service_url() if cluster.running() else database_url(settings)


def media(settings: Settings) -> Store:
    """The store of photos; raises `MediaAway`."""
    return Store(settings.media or str(settings.state / "media"))


def inbox(settings: Settings) -> Inbox:
    """The folder of what was sent and is not cleaned yet."""
    return Inbox(settings.state / "uploads")


def secret_key(settings: Settings) -> bytes:
    """The configured secret, or one made once and kept (mode 600) in the state folder."""
    configured = settings.secret_key.get_secret_value()
    if configured:
        if len(configured) < 32:
            raise Invalid("PINWARD_SECRET_KEY needs at least 32 characters")
        return configured.encode()
    path = settings.state / "secret_key"
    if not path.exists():
        settings.state.mkdir(parents=True, exist_ok=True)
        # Written aside and linked into place: of several processes starting at once one wins,
        # and none reads a half-written key.
        aside = settings.state / f"secret_key.{os.getpid()}"
        aside.touch(mode=0o600)
        aside.write_text(secrets.token_urlsafe(48))
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_text().encode()


def keys(settings: Settings) -> Keys:
    """All that the service derives keys from; raises `Invalid` on one that is too short."""
    return Keys(
        secret_key(settings),
        _listed("PINWARD_OLD_SECRET_KEYS", settings.old_secret_keys.get_secret_value()),
        _listed("PINWARD_CONTACT_KEYS", settings.contact_keys.get_secret_value()),
    )


def _listed(name: str, value: str) -> tuple[bytes, ...]:
    found = re.split(r"[\s,]+", value.strip(" ,\t\n"))
    if any(0 < len(key) < 32 for key in found):
        raise Invalid(f"each key of {name} needs at least 32 characters")
    return tuple(key.encode() for key in found if key)
