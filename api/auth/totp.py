"""The second step of a sign-in: codes of an app by time (RFC 6238), and recovery codes on paper.

Secrets are sealed at rest (AES-256-GCM) under a key derived from the service's own, for their
account alone: a row moved to another account does not open.
"""

import base64
import hashlib
import hmac
import os
import secrets
import time

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from geo.errors import Invalid, NotReady, NotSignedIn
from geo.reports.codes import derived_key
from geo.reports.keys import Keys
from geo.settings import Settings
from geo.store.database import AnyRow
from geo.store.tables.users import ROLES

STEP_S = 30
TICKET_S = 300
RECOVERY_CODES = 10
_NONCE = 12


def obligatory(settings: Settings, role: str) -> bool:
    """Whether accounts of this role need a second step; raises `Invalid` on an unknown role."""
    roles = [part.strip() for part in settings.totp_roles.split(",") if part.strip()]
    for named in roles:
        if named not in ROLES:
            raise Invalid(f"PINWARD_TOTP_ROLES: there is no role {named!r}")
    return role in roles


def new_secret() -> str:
    """A random secret of 160 bits, in base 32."""
    return pyotp.random_base32()


def uri(secret: str, email: str) -> str:
    """`otpauth://…`, which a page draws for an app to read."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Pinward")


def seal(keys: Keys, user_id: int, secret: str) -> bytes:
    """The secret, sealed for this account."""
    nonce = os.urandom(_NONCE)
    cipher = AESGCM(derived_key(keys.secret, "totp seal"))
    return nonce + cipher.encrypt(nonce, secret.encode(), str(user_id).encode())


def unseal(keys: Keys, user_id: int, sealed: bytes) -> str:
    """The way back, also under a key that was replaced; raises `NotReady` where none opens it."""
    for key in keys.secrets:
        cipher = AESGCM(derived_key(key, "totp seal"))
        try:
            found = cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], str(user_id).encode())
        except InvalidTag:
            continue
        return found.decode()
    raise NotReady(
        "the second step of this account was sealed under another secret key; name it in "
        "PINWARD_OLD_SECRET_KEYS, or use `pinward users totp-reset`",
        later_s=60,
    )


def step_of(secret: str, code: str) -> int | None:
    """The number of the time step whose code this is, now or one step to either side."""
    now, found = int(time.time()) // STEP_S, None
    for step in (now - 1, now, now + 1):
        if hmac.compare_digest(pyotp.TOTP(secret).generate_otp(step).encode(), code.encode()):
            found = step
    return found


def recovery_codes() -> list[str]:
    """Fresh codes of 80 bits, in groups of four."""
    drawn = [base64.b32encode(os.urandom(10)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in drawn]


def recovery_hash(code: str) -> bytes:
    """What is kept of one, however it is written."""
    plain = code.lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode()).digest()


def ticket(keys: Keys, account: AnyRow) -> str:
    """What says for five minutes that the password of this account was right."""
    said = f"{account.id}.{int(time.time()) + TICKET_S}.{secrets.token_urlsafe(9)}"
    return f"{said}.{_seal(keys, said, account.password_hash)}"


def holder(ticket: str) -> int:
    """The account that a ticket says it is for; raises `NotSignedIn` on what is none."""
    said = ticket.split(".")
    if len(said) != 4 or not (said[0].isdecimal() and said[0].isascii() and len(said[0]) < 10):
        raise NotSignedIn("this ticket is none; sign in by POST /api/v1/session again")
    return int(said[0])


def check_ticket(keys: Keys, ticket: str, account: AnyRow | None) -> AnyRow:
    """The account, if the ticket is its own and has not run out; raises `NotSignedIn`."""
    said, _, seal = ticket.rpartition(".")
    right = account is not None and hmac.compare_digest(
        seal.encode(), _seal(keys, said, account.password_hash).encode()
    )
    if account is None or not right or int(said.split(".")[1]) < time.time():
        raise NotSignedIn("this ticket has run out; sign in by POST /api/v1/session again")
    return account


def _seal(keys: Keys, said: str, password_hash: str) -> str:
    key = derived_key(keys.secret, "sign-in ticket")
    return hmac.new(key, f"{said}\0{password_hash}".encode(), hashlib.sha256).hexdigest()
