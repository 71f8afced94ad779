"""A sign-in service (OpenID Connect) that does whatever a test wants, in a process of its own.

`python hostile_provider.py PORT`. It honours the protocol, PKCE and client secret included, but for
what PUT /control (JSON, see `DEFAULTS`) changes; GET /seen tells what it was asked.
"""

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from joserfc import jwk, jws

CLIENT_ID, CLIENT_SECRET = "pinward-test", "a secret: of/the+client"

DEFAULTS = {
    # laid over the claims of ID tokens; null takes one out
    "claims": {},
    "header": {},
    # right, other (a key that is not published), none, or the public key as an HMAC's secret
    "sign": "right",
    "alg": "RS256",
    "discovery": {},
    # laid over the parameters that a browser is sent back with
    "callback": {},
    "token": {},
    "token_status": 200,
    "keys": "right",
    "slow_s": 0,
    "no_id_token": False,
}

KEYS = {
    "RS256": jwk.generate_key("RSA", 2048, {"kid": "rsa-1", "use": "sig"}),
    "ES256": jwk.generate_key("EC", "P-256", {"kid": "ec-1", "use": "sig"}),
    "weak": jwk.generate_key("RSA", 1024, {"kid": "weak", "use": "sig"}),
    "new": jwk.generate_key("RSA", 2048, {"kid": "rsa-2", "use": "sig"}),
}
OTHER = {
    "RS256": jwk.generate_key("RSA", 2048, {"kid": "rsa-1"}),
    "ES256": jwk.generate_key("EC", "P-256", {"kid": "ec-1"}),
}


class State:
    def __init__(self):
        self.how = dict(DEFAULTS)
        self.codes = {}
        self.asked = {"discovery": 0, "jwks": 0, "token": []}


def _packed(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _half_hash(text):
    return _packed(hashlib.sha256(text.encode()).digest()[:16])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def do_PUT(self):
        self.server.state.how = {**DEFAULTS, **json.loads(self._body())}
        self._say({})

    def do_GET(self):
        state = self.server.state
        split = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if split.path == "/seen":
            self._say(state.asked)
        elif split.path == "/.well-known/openid-configuration":
            state.asked["discovery"] += 1
            time.sleep(state.how["slow_s"])
            known = {
                "issuer": self.base,
                "authorization_endpoint": f"{self.base}/authorize",
                "token_endpoint": f"{self.base}/token",
                "jwks_uri": f"{self.base}/jwks",
            }
            self._say({**known, **state.how["discovery"]})
        elif split.path == "/jwks":
            state.asked["jwks"] += 1
            time.sleep(state.how["slow_s"])
            self._say({"keys": self._published()})
        elif split.path == "/authorize":
            code = secrets.token_urlsafe(16)
            state.codes[code] = query
            back = {"code": code, "state": query["state"], **state.how["callback"]}
            told = urlencode({name: value for name, value in back.items() if value is not None})
            self.send_response(303)
            self.send_header("Location", f"{query['redirect_uri']}?{told}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._say({}, 404)

    def do_POST(self):
        state = self.server.state
        form = {name: values[0] for name, values in parse_qs(self._body().decode()).items()}
        state.asked["token"].append({**form, "authorization": self.headers.get("Authorization")})
        time.sleep(state.how["slow_s"])
        if state.how["token_status"] != 200:
            self._say({"error": "server_error"}, state.how["token_status"])
            return
        pair = f"{quote(CLIENT_ID, safe='')}:{quote(CLIENT_SECRET, safe='')}"
        said = self.headers.get("Authorization", "").removeprefix("Basic ")
        by_post = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if said != base64.b64encode(pair.encode()).decode() and not by_post:
            self._say({"error": "invalid_client"}, 401)
            return
        asked = state.codes.pop(form.get("code"), None)
        digest = _packed(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or asked["code_challenge"] != digest
            or asked["code_challenge_method"] != "S256"
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            self._say({"error": "invalid_grant"}, 400)
            return
        access_token = secrets.token_urlsafe(16)
        tokens = {"access_token": access_token, "token_type": "Bearer", "expires_in": 60}
        if not state.how["no_id_token"]:
            tokens["id_token"] = self._id_token(asked, access_token)
        self._say({**tokens, **state.how["token"]})

    def _id_token(self, asked, access_token):
        how = self.server.state.how
        now = int(time.time())
        claims = {
            "iss": self.base,
            "sub": "person-1",
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            "at_hash": _half_hash(access_token),
            "email": "person-1@example.test",
            "email_verified": True,
        }
        for name, value in how["claims"].items():
            # so many seconds from now
            late = name in ("exp", "iat", "nbf") and isinstance(value, (int, float))
            claims[name] = now + value if late else value
        claims = {name: value for name, value in claims.items() if value is not None}
        alg, sign = how["alg"], how["sign"]
        key = (OTHER if sign == "other" else KEYS)[alg if sign in ("right", "other") else "RS256"]
        if sign in KEYS:
            key = KEYS[sign]
        header = {"alg": alg, "kid": key.kid, **how["header"]}
        header = {name: value for name, value in header.items() if value is not None}
        if sign == "none":
            return f"{_packed(header)}.{_packed(claims)}."
        if sign in ("pem", "jwk"):
            public = KEYS["RS256"].as_pem(private=False)
            if sign == "jwk":
                public = json.dumps(KEYS["RS256"].as_dict(private=False)).encode()
            signed = f"{_packed(header)}.{_packed(claims)}"
            mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
            return f"{signed}.{_packed(mac)}"
        # By hand: the library would not write some of these headers.
        signed = f"{_packed(header)}.{_packed(claims)}"
        return f"{signed}.{_packed(jws.JWSRegistry.algorithms[alg].sign(signed.encode(), key))}"

    def _published(self):
        which = self.server.state.how["keys"]
        names = {"right": ["RS256", "ES256"], "new": ["new"], "weak": ["weak"], "none": []}
        entries = [KEYS[name].as_dict(private=False) for name in names.get(which, ["RS256"])]
        if which == "twice":
            entries.append({**KEYS["new"].as_dict(private=False), "kid": "rsa-2"})
        if which == "encrypting":
            entries = [{**entry, "use": "enc"} for entry in entries]
        if which == "symmetric":
            secret = _packed(KEYS["RS256"].as_pem(private=False))
            entries = [{"kty": "oct", "k": secret, "kid": "rsa-1", "use": "sig"}]
        return [*entries, {"kty": "quantum"}, {"kty": "RSA", "n": "!"}, "nothing"]

    def _body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _say(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.state = State()
    server.serve_forever()
