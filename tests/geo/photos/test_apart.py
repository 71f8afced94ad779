"""The process that reads a photo has little, and nothing that it does or says is trusted."""

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hostile import SECRET, assert_bare, assert_says_nothing, drawn, exif, png_of, written

from geo.errors import RefusedPhoto
from geo.photos import apart, limits
from geo.photos.apart import cleaned
from geo.photos.cleaning import clean
from geo.photos.video import apart as video

pytestmark = pytest.mark.anyio

JPEG = written(drawn(), "JPEG", exif=exif())


async def _refusal(data: bytes, **how: float) -> RefusedPhoto:
    with pytest.raises(RefusedPhoto) as told:
        await cleaned(data, **how)
    return told.value


def _children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        # A thread may end while it is looked at; its children are another's then.
        with suppress(FileNotFoundError, ProcessLookupError):
            found.update((task / "children").read_text().split())
    return found


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
async def test_a_photo_comes_back_as_it_is_cleaned_here(form, tmp_path):
    said = written(drawn(), form, exif=exif())
    answer = await cleaned(said)
    assert answer == clean(said)
    assert_says_nothing(answer.data, tmp_path)


async def test_refusals_come_through_with_their_words():
    gif = await _refusal(written(drawn(mode="P"), "GIF"))
    assert (gif.reason, gif.detail[:13]) == ("other-type", "this is a GIF")
    assert (await _refusal(SECRET)).detail.startswith("this is another type of file")
    assert (await _refusal(JPEG[:200])).reason == "broken"
    assert (await _refusal(b"")).reason == "empty"
    assert (await _refusal(bytes(20_000_001))).reason == "too-large"
    assert (await _refusal(png_of(60_000, 60_000))).reason == "too-many-pixels"


@pytest.fixture
async def waiting(request):
    """A child that has begun, and waits for the rest of its photo."""
    command = getattr(request, "param", apart.COMMAND)
    child = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}
    )
    child.stdin.write(JPEG[:100])
    try:
        async with asyncio.timeout(20):
            while _limit(child.pid, "Max open files") != limits.OPEN_FILES:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        yield child
    finally:
        child.kill()
        await child.communicate()


def _proc(pid: int, what: str) -> str:
    return Path(f"/proc/{pid}/{what}").read_text()


def _limit(pid: int, name: str) -> int | None:
    line = next(line for line in _proc(pid, "limits").splitlines() if line.startswith(name))
    soft, hard = line[26:].split()[:2]
    return int(soft) if soft == hard else None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_child_is_bounded_before_it_reads(waiting):
    pid = waiting.pid
    assert _limit(pid, "Max address space") == limits.PHOTO.address_space == 1536 << 20
    assert _limit(pid, "Max cpu time") == limits.PHOTO.cpu_s == 20
    assert _limit(pid, "Max file size") == 0
    assert _limit(pid, "Max core file size") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("waiting", [video.COMMAND], indirect=True)
async def test_one_that_reads_a_video_has_more_time_and_comes_after_all_else(waiting):
    assert _limit(waiting.pid, "Max address space") == limits.VIDEO.address_space == 1536 << 20
    assert _limit(waiting.pid, "Max cpu time") == limits.VIDEO.cpu_s == 240
    assert _limit(waiting.pid, "Max file size") == 0
    assert os.getpriority(os.PRIO_PROCESS, waiting.pid) >= limits.VIDEO.nice == 10


async def test_the_child_knows_no_setting_and_no_secret(monkeypatch):
    monkeypatch.setenv("PINWARD_SECRET_KEY", "a secret")
    # Python itself may set the one that is let pass.
    _as_if(monkeypatch, "set(os.environ) <= {'LC_CTYPE'} and print('-empty')")
    assert (await _refusal(JPEG)).reason == "empty"


def _limited(code: str, **how: int) -> subprocess.CompletedProcess[str]:
    words = ", ".join(f"{name}={value}" for name, value in how.items())
    program = f"from geo.photos import limits\nlimits.impose({words})\n{code}"
    run = (sys.executable, "-I", "-c", program)
    return subprocess.run(run, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no limit of address space")
def test_memory_ends_where_it_should():
    assert "MemoryError" in _limited("bytearray(1600 << 20)").stderr
    assert _limited("bytearray(100 << 20)").returncode == 0


def test_cpu_ends_where_it_should():
    assert -_limited("while True: pass", cpu_s=1).returncode in (signal.SIGXCPU, signal.SIGKILL)


def test_one_whose_parent_is_gone_ends_by_itself():
    left = float(_limited("import signal; print(signal.getitimer(signal.ITIMER_REAL)[0])").stdout)
    assert limits.PHOTO.wall_s < left <= limits.PHOTO.wall_s + 5


def test_no_file_is_written_and_no_limit_raised(tmp_path):
    path = tmp_path / "left"
    ended = _limited(f"open({str(path)!r}, 'wb', buffering=0).write(b'a')")
    assert "File too large" in ended.stderr
    assert not path.exists() or path.read_bytes() == b""
    # Root may raise limits; whoever runs the service is another.
    raised = "import os, resource as r\nos.getuid() or os.setuid(65534)\n"
    raised += "r.setrlimit(r.RLIMIT_CPU, (99, 99))"
    assert "ValueError" in _limited(raised).stderr


async def test_what_takes_too_long_is_refused_and_ended():
    before = _children()
    assert (await _refusal(JPEG, wall_s=0.02)).reason == "too-much-work"
    assert _children() == before


async def test_cancelled_it_leaves_no_process():
    before = _children()
    task = asyncio.create_task(cleaned(JPEG))
    while _children() == before:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _children() == before


def _as_if(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Another real process in the child's place: one that its photo has taken over."""
    program = f"import json, os, signal, sys\n{code}"
    monkeypatch.setattr(apart, "COMMAND", (sys.executable, "-I", "-c", program))


def _says(answer: bytes) -> str:
    numbers = json.dumps(list(answer))
    return f"sys.stdin.buffer.read(); sys.stdout.buffer.write(bytes({numbers}))"


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "broken"),
        ("os.kill(os.getpid(), signal.SIGABRT)", "broken"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", "too-much-work"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "too-much-work"),
        ("sys.exit(3)", "broken"),
        ("os.close(0); os.close(1); os._exit(0)", "broken"),
        (_says(b""), "broken"),
        (_says(b"-nonsense\n"), "broken"),
        (_says(b"-\xff\xfe"), "broken"),
        (_says(b"+"), "not-clean"),
        (_says(b"+" + JPEG), "not-clean"),
        (_says(b"+" + clean(JPEG).data + SECRET), "not-clean"),
        (_says(b"+" + clean(JPEG).data) + "; sys.stdout.flush(); os._exit(1)", "broken"),
        ("while True: sys.stdout.buffer.write(b'+' * 65536)", "not-clean"),
    ],
)
async def test_a_child_taken_over_gives_away_nothing(monkeypatch, does, reason):
    _as_if(monkeypatch, does)
    before = _children()
    refusal = await _refusal(written(drawn(500, 400), "PNG") * 50)
    assert refusal.reason == reason
    assert _children() == before


async def test_words_of_a_child_taken_over_are_not_passed_on(monkeypatch):
    _as_if(monkeypatch, _says(b"-other-type\n<script>" + SECRET))
    refusal = await _refusal(JPEG)
    assert (refusal.reason, refusal.what) == ("other-type", None)
    assert SECRET.decode() not in refusal.detail


async def test_a_child_that_leaves_its_pipe_to_another_is_not_waited_for(monkeypatch):
    _as_if(monkeypatch, "import time\nif os.fork() == 0: time.sleep(20)")
    async with asyncio.timeout(10):
        assert (await _refusal(JPEG, wall_s=1.0)).reason == "too-much-work"


@pytest.mark.parametrize("does", ["sys.stdout.buffer.write(bytes(1 << 20))", "os.close(1)"])
async def test_one_that_speaks_and_never_ends_is_ended(monkeypatch, does):
    _as_if(monkeypatch, f"{does}\nsys.stdin.buffer.read()\nwhile True: pass")
    before = _children()
    async with asyncio.timeout(10):
        assert (await _refusal(JPEG, wall_s=0.5)).reason == "too-much-work"
    assert _children() == before


async def test_an_honest_answer_is_taken_in_the_same_way(monkeypatch):
    _as_if(monkeypatch, _says(b"+" + clean(JPEG).data))
    assert_bare((await cleaned(JPEG)).data)


async def test_two_run_at_once_and_the_others_wait(monkeypatch, tmp_path):
    runs = shlex.quote(str(tmp_path / "runs"))
    script = f"echo + >> {runs}; sleep 0.2; echo - >> {runs}; printf -- '-empty\\n'"
    monkeypatch.setattr(apart, "COMMAND", ("/bin/sh", "-c", script))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    await asyncio.gather(*(_refusal(JPEG) for _ in range(6)))
    running, most = 0, 0
    for line in (tmp_path / "runs").read_text().split():
        running += 1 if line == "+" else -1
        most = max(most, running)
    assert (running, most) == (0, apart.AT_ONCE) == (0, 2)
