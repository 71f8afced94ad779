"""What can go wrong, named by subject. The docstring is the message unless one is given.

`api/errors.py` is the only place that knows which HTTP status each becomes. `kind` is the stable
last part of the problem's `type`; `detail` says what, where and how to mend it.
"""

from typing import Any


class PinwardError(Exception):
    """Something went wrong."""

    kind = "error"

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.facts = facts
        super().__init__(self.detail)


class Invalid(PinwardError):
    """The input is not valid."""

    kind = "invalid"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: list[dict[str, str]] | None = None,
        **facts: Any,
    ) -> None:
        """`errors` lists `{"field": …, "message": …}`, one a field."""
        super().__init__(detail, **facts)
        self.errors = errors or []

    @classmethod
    def of(cls, field: str, message: str) -> "Invalid":
        """One field's; `message` goes on from its name: "must be a date"."""
        return cls(f"{field} {message}", errors=[{"field": field, "message": message}])


class OutsideCoverage(PinwardError):
    """No ward lies at this place or near it."""

    kind = "outside-coverage"


class UnknownCategory(Invalid):
    """There is no such category; GET /api/v1/categories lists them."""

    kind = "unknown-category"


class NotFound(PinwardError):
    """There is nothing here by this name."""

    kind = "not-found"


class KeyReused(PinwardError):
    """This Idempotency-Key was used before with another body; take a new key for a new report."""

    kind = "idempotency-key-reused"


class NotSignedIn(PinwardError):
    """This needs a sign-in, or the sign-in was wrong."""

    kind = "not-signed-in"


class CodeNeeded(NotSignedIn):
    """The password is right; the code of the second step is still needed."""

    kind = "code-needed"


class NotAllowed(PinwardError):
    """The one who is signed in may not do this."""

    kind = "not-allowed"


class Conflict(PinwardError):
    """What is asked does not go with how things stand."""

    kind = "conflict"


class InHand(Conflict):
    """Somebody else has this report in hand."""

    kind = "in-hand"


class ChangedMeanwhile(PinwardError):
    """It was changed since you read it."""

    kind = "changed-meanwhile"


class Held(Conflict):
    """Another request is sending this upload; try again in a moment."""

    kind = "upload-held"


class UnreadableFile(PinwardError):
    """The file cannot be read."""

    kind = "unreadable-file"


class RefusedPhoto(Invalid):
    """The photo cannot be taken as it is; nothing of it was kept."""

    kind = "refused-photo"

    def __init__(
        self, detail: str | None = None, *, reason: str, detail_vi: str, what: str | None = None
    ) -> None:
        """`reason` is stable (`geo.photos.refusals`); `detail_vi` says `detail` in Vietnamese.

        `what`: what it is instead, in English, where that is known.
        """
        super().__init__(detail, reason=reason, detail_vi=detail_vi)
        self.reason = reason
        self.what = what


class RefusedVideo(RefusedPhoto):
    """The video cannot be taken as it is; nothing of it was kept."""

    kind = "refused-video"


class RefusedImport(PinwardError):
    """The file was read but is refused; nothing was changed."""

    kind = "refused-import"


class RefusedReform(PinwardError):
    """The reform of boundaries cannot be as it is asked for; nothing was changed."""

    kind = "refused-reform"


class RefusedBackup(PinwardError):
    """The backup cannot be made or used; nothing was changed."""

    kind = "refused-backup"


class RefusedSweep(PinwardError):
    """Too much would be deleted; nothing was."""

    kind = "refused-sweep"


class ClusterFailed(PinwardError):
    """The private PostgreSQL cluster did not do as it was told."""

    kind = "cluster-failed"


class NotReady(PinwardError):
    """The service is not ready."""

    kind = "not-ready"

    def __init__(self, detail: str | None = None, *, later_s: int = 2, **facts: Any) -> None:
        """`later_s`: after so many seconds asking again may help."""
        super().__init__(detail, **facts)
        self.later_s = later_s


class TooMany(PinwardError):
    """That was asked too often in a short time."""

    kind = "too-many"

    def __init__(self, detail: str | None = None, *, later_s: int, **facts: Any) -> None:
        """`later_s`: after so many seconds it will be looked at again."""
        super().__init__(detail, **facts)
        self.later_s = later_s


class ChallengeNeeded(TooMany):
    """Many send from where you are: a small proof of work lets you go on at once."""

    kind = "challenge"


class DeviceBanned(NotAllowed):
    """This device may not send anything for a while."""

    kind = "device-banned"


class DatabaseAway(NotReady):
    """The database cannot be reached."""


class TaskFailed(PinwardError):
    """A task of a run over many machines failed."""

    kind = "task-failed"


class OutgoingRefused(PinwardError):
    """The service does not send requests to this address."""

    kind = "outgoing-refused"


class OutgoingFailed(NotReady):
    """Another server that was asked gave no answer."""

    kind = "outgoing-failed"


class SignInRefused(NotSignedIn):
    """The sign-in with another service did not work; begin again."""

    kind = "sign-in-refused"


class UnknownPerson(NotAllowed):
    """You are signed in with the other service, but there is no account here for you."""

    kind = "unknown-person"


class SignInAway(NotReady):
    """The service that signs people in does not answer."""

    kind = "sign-in-service-away"


class MediaAway(NotReady):
    """The store of photos cannot be used."""


class MediaMissing(PinwardError):
    """A photo is not in the store that should be."""

    kind = "media-missing"


class MediaBroken(PinwardError):
    """A photo in the store is not what it was."""

    kind = "media-broken"


class TooLarge(PinwardError):
    """The body is too large."""

    kind = "too-large"
