"""Who reported, when they said so: checked, then sealed before it is stored."""

import base64
import json
import re
from typing import Annotated, Any

from cryptography.fernet import Fernet, InvalidToken
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from geo.errors import Invalid, NotReady
from geo.reports.codes import derived_key
from geo.reports.text import clean_text

_PHONE = re.compile(r"\+?[0-9(][0-9 ().\-/]*")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")


def _one_line(value: str) -> str:
    try:
        return clean_text(value, 200, one_line=True)
    except Invalid as error:
        raise ValueError(error.detail) from None


def _phone(value: str) -> str:
    value = _one_line(value)
    digits = sum(character.isdigit() for character in value)
    if not _PHONE.fullmatch(value) or not 8 <= digits <= 15:
        raise ValueError("must be a phone number of 8 to 15 digits, e.g. 0912 345 678")
    return value


def _email(value: str) -> str:
    value = _one_line(value)
    if len(value) > 254 or not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address, e.g. an@example.vn")
    return value


class Reporter(BaseModel):
    """How to reach the reporter; all of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(max_length=400), AfterValidator(_one_line)] | None = None
    phone: Annotated[str, Field(max_length=400), AfterValidator(_phone)] | None = None
    email: Annotated[str, Field(max_length=400), AfterValidator(_email)] | None = None

    @property
    def given(self) -> dict[str, str]:
        """The members that say something; empty: anonymous."""
        return self.model_dump(exclude_none=True)


def seal(given: dict[str, str], secret_key: bytes) -> bytes:
    """Encrypted and authenticated (Fernet), under a key derived from the service's."""
    return _fernet(secret_key).encrypt(json.dumps(given, ensure_ascii=False).encode())


def unseal(sealed: bytes, secret_key: bytes) -> dict[str, Any]:
    """The way back; raises `NotReady` when the service's key is not the one it was sealed with."""
    try:
        opened: dict[str, Any] = json.loads(_fernet(secret_key).decrypt(sealed))
    except InvalidToken:
        raise NotReady(
            "contact data cannot be opened: PINWARD_SECRET_KEY is not the one they were sealed with"
        ) from None
    return opened


def _fernet(secret_key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derived_key(secret_key, "report contacts")))
