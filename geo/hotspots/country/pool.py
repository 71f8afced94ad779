"""Work handed to Dask's workers, no more of it at a time than is told."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import uuid4

from geo.errors import Invalid, NotReady, PinwardError, TaskFailed

if TYPE_CHECKING:
    from distributed import Future

IN_FLIGHT = 64
RETRIES = 2
_WAIT_S = 30.0


class Job(Protocol):
    """Something to be done; `name` says for which city and category."""

    @property
    def name(self) -> str:
        """In an error's words."""
        ...


AnyJob = TypeVar("AnyJob", bound=Job)
Tell = Callable[[int, int], None]


def nobody(done: int, known: int) -> None:
    """Tells nobody how far it is."""


class Pool:
    """The workers of one scheduler, for one run; each task is tried `retries` times more."""

    def __init__(self, client: Any, retries: int) -> None:
        self._client = client
        self._retries = retries
        self._numbers = itertools.count()
        self._run = uuid4().hex

    def submit(self, what: str, job: Job, work: Callable[..., Any], *given: Any) -> "Future[Any]":
        """Have `work(*given)` done, `what` in a word. Futures given are waited for, and what they
        answer is handed over from worker to worker."""
        (asked,) = self.map(what, job, work, *([one] for one in given))
        return asked

    def map(
        self, what: str, job: Job, work: Callable[..., Any], *given: Sequence[Any]
    ) -> "list[Future[Any]]":
        """As `submit` for each row of what is given, in one message to the scheduler."""
        # What stands before the first number is what Dask groups tasks by.
        keys = [f"{what}-{next(self._numbers)}-{job.name}-{self._run}" for _ in given[0]]
        asked: list[Future[Any]] = self._client.map(
            work, *given, key=keys, retries=self._retries, pure=False
        )
        return asked

    def each(
        self,
        jobs: Iterable[AnyJob],
        first: Callable[[AnyJob], "Future[Any]"],
        then: Callable[[AnyJob, Any], "list[tuple[Any, Future[Any]]]"] | None,
        in_flight: int,
        tell: Tell,
    ) -> Iterator[tuple[AnyJob, Any, Any]]:
        """(job, which, answer) as they come.

        `first(job)` is one task; its answer is what is asked for, or `then(job, answer)` makes more
        of it, `(which, task)` each. A job begins while less than `in_flight` tasks are asked for;
        a job's own tasks come together, however many.
        """
        import distributed

        if in_flight < 1:
            raise Invalid(f"in_flight must be at least 1; it is {in_flight}")
        todo = iter(jobs)
        coming: Any = distributed.as_completed(  # type: ignore[no-untyped-call]
            loop=self._client.loop
        )
        open_: dict[Any, tuple[AnyJob, Any, bool, Future[Any]]] = {}
        done = known = 0

        def ask(job: AnyJob, which: Any, task: "Future[Any]", ends: bool) -> None:
            open_[task.key] = (job, which, ends, task)
            coming.add(task)

        def begin() -> None:
            nonlocal known
            while len(open_) < in_flight and (job := next(todo, None)) is not None:
                ask(job, None, first(job), then is None)
                known += then is None

        try:
            begin()
            for batch in coming.batches():
                for task, answer in zip(batch, self._answers(batch, open_), strict=True):
                    job, which, ends, _ = open_.pop(task.key)
                    if ends:
                        done += 1
                        tell(done, known)
                        yield job, which, answer
                        continue
                    assert then is not None
                    more = then(job, answer)
                    known += len(more)
                    for which, task in more:
                        ask(job, which, task, True)
                    tell(done, known)
                # Answers may be large: the workers may forget them now.
                del batch, task, answer
                begin()
        finally:
            self._client.cancel([task for *_, task in open_.values()])

    def _answers(self, batch: "list[Future[Any]]", asked: dict[Any, tuple[Any, ...]]) -> list[Any]:
        """Of tasks that are done, all in one message. Raises what a task raised."""
        for task in batch:
            if task.status == "error":
                _raise(asked[task.key][0], task)
        answers: list[Any] = self._client.gather(batch)
        return answers


def _raise(job: Job, task: "Future[Any]") -> None:
    from distributed.scheduler import KilledWorker

    try:
        task.result()
    except PinwardError:
        raise
    except KilledWorker as error:
        raise TaskFailed(
            f"{job.name}: a task was given up, as {error.last_worker.address} and other workers "
            "before it died of it; their logs say why, most often for want of memory: take smaller "
            f"blocks or larger workers ({task.key})"
        ) from error
    except Exception as error:
        raise TaskFailed(f"{job.name}: {type(error).__name__}: {error} ({task.key})") from error


@contextmanager
def named(what: str) -> Iterator[None]:
    """Errors that say of which city, category and block they are."""
    try:
        yield
    except PinwardError as error:
        raise TaskFailed(f"{what}: {error.detail}") from error
    except Exception as error:
        raise TaskFailed(f"{what}: {type(error).__name__}: {error}") from error


@contextmanager
def pool(scheduler: str, retries: int = RETRIES) -> Iterator[Pool]:
    """The workers of the scheduler at an address as `tcp://10.0.0.5:8786`, or `tls://…`.

    Raises `NotReady` where there is no such scheduler, or no worker comes.
    """
    try:
        import distributed
    except ImportError as error:
        raise NotReady(
            "runs over many machines need Dask: install Pinward with the extra `country`"
        ) from error
    try:
        client: Any = distributed.Client(  # type: ignore[no-untyped-call]
            scheduler, timeout=_WAIT_S, set_as_default=False
        )
    except (OSError, ValueError, TypeError) as error:
        raise NotReady(
            f"no scheduler answers at {scheduler!r}: {error}. Start one with `dask scheduler`"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WAIT_S)
        except TimeoutError as error:
            raise NotReady(
                f"no worker has come to {scheduler}: start some with `dask worker {scheduler}`"
            ) from error
        yield Pool(client, retries)
