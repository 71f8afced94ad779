"""Every setting of Pinward, read from the environment (`PINWARD_…`) at the entrances only.

Only `api.app.create_app`, the command line and the tests make a `Settings`; everything below is
handed what it needs. `docs/settings.md` lists them, and a test fails on one it does not list.
"""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

CHECKOUT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """The service's settings; each field is the environment variable `PINWARD_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="PINWARD_", extra="ignore")

    database_url: str = Field(
        default="",
        description="libpq URL of the database (several hosts allowed); empty: the private "
        "cluster in the state folder",
    )
    service_database_url: str = Field(
        default="",
        description="what `serve` and `worker` connect with: a role that owns nothing; empty: "
        "PINWARD_DATABASE_URL, becoming pinward_service",
    )
    state: Path = Field(
        default=CHECKOUT / ".pinward",
        description="folder of the private PostgreSQL cluster, its log and the local secret",
    )
    media: str = Field(
        default="",
        description="folder of the cleaned photos, or s3://bucket/prefix (reached by the usual "
        "AWS_* variables); empty: `media` in the state folder",
    )
    public_url: str = Field(
        default="",
        description="address people reach the service at, without a slash at the end; "
        "empty: taken from each request",
    )
    trusted_proxies: str = Field(
        default="127.0.0.0/8, ::1",
        description="addresses and networks of the proxies in front, with commas: what they say "
        "of a client's address, scheme and host is believed; others' word is not",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="at least 32 characters; derives report secrets, and the key of contact data "
        "unless that has its own; empty: one is made and kept in the state folder",
    )
    totp_roles: str = Field(
        default="",
        description="roles that must sign in with a second step (TOTP), with commas",
    )
    old_secret_keys: SecretStr = Field(
        default=SecretStr(""),
        description="secret keys that PINWARD_SECRET_KEY replaced, newest first, with commas",
    )
    contact_keys: SecretStr = Field(
        default=SecretStr(""),
        description="keys of contact data, each of at least 32 characters, newest first, with "
        "commas: the first seals, all open; empty: derived from PINWARD_SECRET_KEY",
    )
    city: str = Field(
        default="Thành phố Hồ Chí Minh",
        description="the city that `wards import` assumes and error messages name",
    )
    timezone: str = Field(
        default="Asia/Ho_Chi_Minh", description="time zone people of the city read times in"
    )
    holidays: str = Field(
        default="VN",
        pattern=r"^([A-Z]{2})?$",
        description="country (ISO 3166-1) whose public holidays are no working days; empty: none",
    )
    working_hours: str = Field(
        default="07:30-11:30 13:00-17:00",
        description="hours in which deadlines in working time run, on each working day",
    )
    snap_m: float = Field(
        default=250.0,
        ge=0,
        le=5000,
        description="a point outside all wards goes to the nearest one within so many metres",
    )
    pages: Path = Field(default=CHECKOUT / "web" / "dist", description="folder of the built pages")
    hotspots_hour: int = Field(
        default=2,
        ge=0,
        le=24,
        description="hour of the city's day from which last night's hotspots are looked for; "
        "24: only when asked",
    )
    retention_hour: int = Field(
        default=3,
        ge=0,
        le=24,
        description="hour of the city's day from which the worker takes away what was kept long "
        "enough; 24: only when asked",
    )
    basemap: str = Field(
        default="",
        description="raster tile template drawn below the layers; empty: our own layers only",
    )
    pool_size: int = Field(
        default=10, ge=1, le=200, description="database connections of one service process"
    )
    limits: bool = Field(
        default=True,
        description="whether reports and uploads are counted by device, network and in all; "
        "no: something in front of the service does it",
    )
    limit_device_h: int = Field(
        default=30, ge=1, le=100_000, description="reports an hour of one device; more are refused"
    )
    limit_network_h: int = Field(
        default=600,
        ge=1,
        le=10_000_000,
        description="reports an hour of one network; more cost each a small proof of work",
    )
    limit_all_h: int = Field(
        default=30_000,
        ge=1,
        le=100_000_000,
        description="reports an hour of everybody; more cost each a small proof of work",
    )
    proof_work: int = Field(
        default=15_000,
        ge=1,
        le=10_000_000,
        description="sha256 hashes of the easiest proof, on average; it grows with the flood",
    )
    body_timeout_s: float = Field(
        default=30.0,
        ge=0.1,
        le=3600,
        description="a JSON body of a request (64 KiB at most) that takes longer to come, or an "
        "upload of which nothing came for as long, is given up and answered 408, in seconds",
    )
    tile_cache_mb: int = Field(
        default=64,
        ge=0,
        le=65536,
        description="megabytes of finished tiles that one service process keeps in memory; 0: none",
    )
    tile_timeout_s: float = Field(
        default=5.0,
        ge=0.05,
        le=600,
        description="a tile that takes longer is given up and answered 503, in seconds",
    )
    tile_connections: int = Field(
        default=6,
        ge=1,
        le=200,
        description="database connections of one service process for tiles alone, beside those "
        "of the pool, so that slow tiles keep nobody waiting who sends a report",
    )
    live_streams: int = Field(
        default=2000,
        ge=1,
        le=100_000,
        description="live streams that one service process holds open; more are answered 503",
    )
    live_heartbeat_s: float = Field(
        default=15.0,
        ge=0.1,
        le=600,
        description="a live stream without news says so every so many seconds",
    )
    changes_kept_h: float = Field(
        default=24.0,
        gt=0,
        le=24 * 366,
        description="hours that the log of changes reaches back: so long may a live map have been "
        "away and still be told what it missed",
    )
    outgoing_allowed: str = Field(
        default="",
        description="hosts within a network of the city's own that the service may send requests "
        "to, with commas: host, host:port, or http://host:port for one on this machine",
    )
    oidc_staff_issuer: str = Field(
        default="",
        description="address by which the sign-in service (OpenID Connect) of the staff calls "
        "itself; empty: passwords only",
    )
    oidc_staff_client_id: str = Field(default="", description="by which it knows this service")
    oidc_staff_client_secret: SecretStr = Field(
        default=SecretStr(""), description="by which it is sure of it; empty: PKCE alone"
    )
    oidc_staff_link_by_email: bool = Field(
        default=False,
        description="whether an e-mail address that the sign-in service says it verified links "
        "a person with the account of this address, the first time",
    )
    oidc_staff_second_step: str = Field(
        default="",
        description="which ways of that service to make sure of somebody (`amr`) count as our "
        "second step, with commas; empty: none",
    )
    oidc_citizen_issuer: str = Field(
        default="",
        description="address by which the sign-in service of citizens calls itself; empty: none",
    )
    oidc_citizen_client_id: str = Field(default="", description="by which it knows this service")
    oidc_citizen_client_secret: SecretStr = Field(
        default=SecretStr(""), description="by which it is sure of it; empty: PKCE alone"
    )
