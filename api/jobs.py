"""Jobs: what is done behind the service, kept in its own database (procrastinate).

A job is put down in the transaction of whoever asks for it, so that both happen or neither. What
computes for minutes is a process of its own: it ends with its memory, and whatever becomes of it,
the worker goes on.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy

from api import entrance
from api.listener import alive
from geo import audit
from geo.hotspots.days import window
from geo.reports.city_rules import CityRules
from geo.reports.reform import apply as reform
from geo.reports.workflow import timers as timers_of_reports
from geo.settings import Settings
from geo.store import abuse, hotspot_queue, hotspot_runs
from geo.store.database import AsyncConnection, create_engine, driver

log = logging.getLogger("pinward.jobs")

_ENDING_S: Final = 3.0
_AGAIN_S: Final = 1.0
_RETRIES: Final = 3

app: Final = App(connector=PsycopgConnector())


@app.task(
    name="hotspots",
    lock="hotspots",
    retry=RetryStrategy(max_attempts=_RETRIES, wait=5),
    pass_context=True,
)
async def hotspots(context: JobContext, run_id: int) -> None:
    """Make a run of `hotspot_runs`, by `pinward hotspots run` in a process of its own."""
    words = ("hotspots", "run", "--asked", str(run_id), "--parent", str(os.getpid()))
    code, said = await _command(*words)
    if code:
        if context.job.attempts >= _RETRIES:
            await _give_up(context.additional_context["url"], run_id, code)
        raise RuntimeError(f"run {run_id} ended with {code}: {said}")


async def _command(*words: str) -> tuple[int, str]:
    """Run a command of ours to its end; its exit code, and the last line of what it complained."""
    child = await asyncio.create_subprocess_exec(
        *entrance.pinward(*words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await child.communicate()
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
            await child.wait()
    last = said.decode(errors="replace").strip().splitlines()[-1:]
    return child.returncode or 0, " ".join(last)[:500]


async def _give_up(url: str, run_id: int, code: int) -> None:
    why = (
        f"the process that made this run died {_RETRIES + 1} times, at last with exit code {code}; "
        "the machine may lack memory; ask for the run again once that is mended"
    )
    async with _transaction(url) as conn:
        await hotspot_queue.give_up(conn, run_id, why)


@app.periodic(cron="7 * * * *", periodic_id="nightly")
@app.task(name="nightly", queueing_lock="nightly", pass_context=True)
async def nightly(context: JobContext, timestamp: int) -> None:
    """Each night ask for the hotspots as of the day before; a night missed is made up for.

    Each hour what died is told as failed, such as a run from the command line that was killed.
    """
    settings: Settings = context.additional_context["settings"]
    now = datetime.fromtimestamp(timestamp, ZoneInfo(settings.timezone))
    yesterday = now.date() - timedelta(days=1)
    async with _transaction(context.additional_context["url"]) as conn:
        await hotspot_queue.bury(conn)
        due = now.hour >= settings.hotspots_hour
        if due and not await hotspot_queue.made_of(conn, yesterday):
            await ask(conn, None, yesterday, settings)


@app.periodic(cron="*/5 * * * *", periodic_id="reforms")
@app.task(name="reforms", queueing_lock="reforms", pass_context=True)
async def reforms(context: JobContext, timestamp: int) -> None:
    """Apply the reforms of boundaries whose day has come, go on with those broken off, applied or
    undone, and move what came late."""
    settings: Settings = context.additional_context["settings"]
    now = datetime.fromtimestamp(timestamp, ZoneInfo(settings.timezone))
    async with _transaction(context.additional_context["url"]) as conn:
        due = await reform.due(conn, now.date())
    for verb, set_name in due:
        code, said = await _command("wards", "reform", verb, "--to", set_name)
        if code:
            log.warning("pinward wards reform %s --to %s failed (%s)", verb, set_name, said)


@app.periodic(cron="*/5 * * * *", periodic_id="forget")
@app.task(name="forget", queueing_lock="forget", pass_context=True)
async def forget(context: JobContext, timestamp: int) -> None:
    """Forget which networks and devices sent, when their time is over."""
    async with _transaction(context.additional_context["url"]) as conn:
        await abuse.sweep(conn, datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="*/5 * * * *", periodic_id="timers")
@app.task(name="timers", queueing_lock="timers", pass_context=True)
async def timers(context: JobContext, timestamp: int) -> None:
    """Tell of reports whose time runs out, and close those to which nobody said a word."""
    settings: Settings = context.additional_context["settings"]
    url = context.additional_context["url"]
    await in_time(url, settings, datetime.fromtimestamp(timestamp, UTC))


async def in_time(url: str, settings: Settings, now: datetime) -> int:
    """Do what time has brought until `now`, batch by batch; how many lines of history that is."""
    engine = create_engine(url, pool_size=1)
    done = 0
    try:
        async with engine.connect() as conn:
            rules = await CityRules.load(
                conn, settings.timezone, settings.holidays, settings.working_hours
            )
        more = 1
        while more:
            async with engine.begin() as conn:
                more = await timers_of_reports.escalate(conn, now)
            async with engine.begin() as conn:
                more += await timers_of_reports.close(conn, rules.deadlines, now)
            done += more
    finally:
        await engine.dispose()
    return done


@app.periodic(cron="23 * * * *", periodic_id="photos")
@app.task(name="photos", queueing_lock="photos")
async def photos(timestamp: int) -> None:
    """Each hour delete uploads whose time is over, and what lies in the store for no row."""
    code, said = await _command("photos", "sweep")
    if code:
        log.warning("pinward photos sweep failed (%s)", said)


@app.periodic(cron="37 * * * *", periodic_id="retention")
@app.task(name="retention", queueing_lock="retention", pass_context=True)
async def retention(context: JobContext, timestamp: int) -> None:
    """Once a day take away what was kept long enough; the audit log says whether it was done.

    Its head goes into the worker's own log, which is kept elsewhere than the database: an end cut
    off the audit log is seen by it.
    """
    settings: Settings = context.additional_context["settings"]
    url = context.additional_context["url"]
    now = datetime.fromtimestamp(timestamp, ZoneInfo(settings.timezone))
    if now.hour < settings.retention_hour:
        return
    async with _transaction(url) as conn:
        last = await audit.lines(conn, actor="worker", action="retention.run", limit=1)
    if last and last[0].at.astimezone(now.tzinfo).date() >= now.date():
        return
    code, said = await _command("retention", "run", "--worker")
    if code:
        log.warning("pinward retention run failed (%s)", said)
    async with _transaction(url) as conn:
        log.info("head of the audit log: %s", await audit.head(conn))


async def ask(
    conn: AsyncConnection,
    category: str | None,
    as_of: date,
    settings: Settings,
    user_id: int | None = None,
) -> int:
    """Ask for a run in the caller's transaction; returns its id, or that of one that waits."""
    await hotspot_queue.alone(conn)
    await hotspot_queue.bury(conn)
    waiting = await hotspot_queue.waiting(conn, category, as_of)
    if waiting is not None:
        return int(waiting.id)
    period = window(as_of, ZoneInfo(settings.timezone))
    run_id = await hotspot_runs.ask(conn, category, as_of, period, user_id)
    await hotspots.configure(connection=await driver(conn)).defer_async(run_id=run_id)
    return run_id


@contextlib.asynccontextmanager
async def working(url: str, settings: Settings) -> AsyncIterator[None]:
    """Do the jobs of the database at `url`, one after the other, until the block ends."""
    doing = asyncio.create_task(_work(url, settings))
    try:
        yield
    finally:
        doing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await doing


async def _work(url: str, settings: Settings) -> None:
    this = asyncio.current_task()
    assert this is not None
    while True:
        try:
            connector = PsycopgConnector(conninfo=alive(url), min_size=1, max_size=4)
            with app.replace_connector(connector) as here:
                async with here.open_async():
                    await _take_over(here, url)
                    await here.run_worker_async(
                        install_signal_handlers=False,
                        delete_jobs="successful",
                        shutdown_graceful_timeout=_ENDING_S,
                        additional_context={"url": url, "settings": settings},
                    )
        except Exception as error:
            log.warning("jobs wait (%s: %s)", type(error).__name__, error)
        if this.cancelling():
            # The database went away as it was asked to end, and that error took its place.
            return
        await asyncio.sleep(_AGAIN_S)


async def _take_over(here: App, url: str) -> None:
    """What a worker that was killed had begun: nobody else would ever do it again.

    Only the worker that leads does jobs, so whatever is being done when one begins to lead is not.
    """
    for job in await here.job_manager.get_stalled_jobs(seconds_since_heartbeat=0):
        await here.job_manager.retry_job(job, retry_at=datetime.now(UTC))
    async with _transaction(url) as conn:
        await hotspot_queue.bury(conn)


@contextlib.asynccontextmanager
async def _transaction(url: str) -> AsyncIterator[AsyncConnection]:
    """On a connection of its own: jobs are far between."""
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.begin() as conn:
            yield conn
    finally:
        await engine.dispose()
