"""ID tokens (OpenID Connect Core 1.0, 3.1.3.7): believed only when all of them is as it must be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwk, jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, RSAKey
from pydantic_core import from_json

from geo.store.identities import LONGEST_SUB

LEEWAY_S = 60
"""Clocks of two servers differ by seconds."""
LONGEST = 32_768

_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
ALGORITHMS = tuple(f"{kind}{bits}" for kind in _KINDS for bits in (256, 384, 512))
"""Signatures by a private key. With `none` there is none, with HS256 whoever has the key can sign,
and the key would be the public one, if somebody made us take it."""
_MOST_KEYS = 100
_RSA_BITS = 2048


class Refused(Exception):
    """Why an ID token is not believed, for the log."""


class UnknownKey(Refused):
    """The token names a key that is not among those at hand: they may have been replaced."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must be of: the service, us, this very sign-in, and the moment."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str
    now: datetime


class _Registry(jws.JWSRegistry):
    # Some services put their certificate into the header.
    max_header_length = 8192


# A name in the header that we do not know is passed over unless it says `crit`.
_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


def usable_keys(document: Any) -> list[Key]:
    """The keys of a JWKS document that a token may be signed with; others are passed over."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found = []
    for entry in listed[:_MOST_KEYS] if isinstance(listed, list) else []:
        if not isinstance(entry, dict) or entry.get("kty") not in _KINDS.values():
            continue
        if entry.get("use", "sig") != "sig":
            continue
        try:
            key = jwk.import_key(entry)
            if isinstance(key, RSAKey) and key.public_key.key_size < _RSA_BITS:
                continue
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        found.append(key)
    return found


def claims_of(token: str, keys: Iterable[Key], expected: Expected) -> Mapping[str, Any]:
    """The claims of a token that is wholly in order; raises `Refused`, `UnknownKey`."""
    if len(token) > LONGEST:
        raise Refused("the token is too long")
    try:
        header = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise Refused(f"no signed token: {type(error).__name__}") from None
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise Refused(f"signed by {str(algorithm)[:20]!r}, which is not on our list")
    try:
        signed = jws.deserialize_compact(token, _key(header, keys), registry=_REGISTRY)
        found = from_json(signed.payload, allow_inf_nan=False)
    except (JoseError, ValueError, TypeError) as error:
        raise Refused(f"wrong signature or content: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise Refused("the token's content is no object")
    _check(found, header, expected)
    return found


def _key(header: Mapping[str, Any], keys: Iterable[Key]) -> Key:
    algorithm, kid = header["alg"], header.get("kid")
    suited = [
        key
        for key in keys
        if key.key_type == _KINDS[algorithm[:2]]
        and key.get("alg") in (None, algorithm)
        and kid in (None, key.kid)
    ]
    if len(suited) != 1:
        # One that says no key is read with the only one there is; which of several it means
        # nobody knows.
        raise UnknownKey("no single key of that name") if kid else Refused("which key is not said")
    return suited[0]


def _check(claims: dict[str, Any], header: Mapping[str, Any], expected: Expected) -> None:
    # What the library would take: an empty at_hash, a nonce that is no text, any sub.
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= LONGEST_SUB:
        raise Refused("sub is no name of at most 255 characters")
    if not (sub.isascii() and sub.isprintable()):
        raise Refused("sub is not ASCII")
    for name in ("nonce", "at_hash", "azp"):
        if name in claims and not (isinstance(claims[name], str) and claims[name].isascii()):
            raise Refused(f"{name} is no text")
    if claims.get("at_hash") == "":
        raise Refused("at_hash is empty")
    token = CodeIDToken(
        claims,
        dict(header),
        options={
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client_id},
        },
        params={
            "nonce": expected.nonce,
            "client_id": expected.client_id,
            "access_token": expected.access_token,
        },
    )
    try:
        token.validate(now=int(expected.now.timestamp()), leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError) as error:
        raise Refused(f"{type(error).__name__}: {error}"[:200]) from None
