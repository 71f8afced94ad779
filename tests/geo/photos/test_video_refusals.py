"""Videos that are bombs, tricks or none at all are refused, each with its sentence."""

import contextlib
import socket
import struct
import threading

import pytest
from hostile import drawn, written
from hostile_video import (
    DREF,
    SECRET,
    STBL,
    TRACK,
    box,
    changed,
    filmed,
    where,
    with_box,
)

from geo.errors import RefusedPhoto, RefusedVideo
from geo.photos.video import look as headers
from geo.photos.video.apart import cleaned
from geo.photos.video.cleaning import clean
from geo.photos.video.refusals import REASONS, refused

pytestmark = pytest.mark.anyio

FILM = filmed(6)
STSD_ENTRY = 8  # behind version and count


def _reason(data: bytes) -> str:
    with pytest.raises(RefusedVideo) as told:
        clean(data)
    return told.value.reason


def _u32(value: int) -> bytes:
    return struct.pack(">I", value)


def test_each_refusal_says_how_to_mend_it_in_both_languages():
    for reason in REASONS:
        error = refused(reason)
        assert isinstance(error, RefusedPhoto)
        assert error.kind == "refused-video"
        assert any(word in error.detail for word in ("send", "record", "write", "choose"))
        assert "hãy" in error.facts["detail_vi"]


async def test_refusals_come_through_the_process_with_their_words():
    for data, reason in (
        (b"", "empty"),
        (bytes(50_000_001), "too-large"),
        (written(drawn(mode="P"), "GIF"), "other-type"),
        (FILM[:-1], "broken"),
        (changed(FILM, STBL, STSD_ENTRY + 12, b"mjpg"), "other-codec"),
    ):
        with pytest.raises(RefusedVideo) as told:
            await cleaned(data)
        assert told.value.reason == reason


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (written(drawn(mode="P"), "GIF", save_all=True, append_images=[drawn(mode="P")]), "a GIF"),
        (written(drawn(), "WEBP", save_all=True, append_images=[drawn()]), "another type"),
        (written(drawn(), "PNG", save_all=True, append_images=[drawn()]), "another type"),
        (written(drawn(), "HEIF"), "another type"),
        (box(b"ftyp", b"avis\0\0\0\0avis"), "an AVIF"),
        (box(b"ftyp", b"msf1\0\0\0\0hevc"), "another type"),
        (b"<html><video src=a.mp4>", "a web page"),
        (b"PK\3\4" + FILM, "an archive"),
        (b"\x1aE\xdf\xa3" + bytes(60), "another type"),
        (SECRET, "another type"),
    ],
)
def test_what_is_no_video_is_called_by_its_name(data, what):
    with pytest.raises(RefusedVideo) as told:
        clean(data)
    assert told.value.reason == "other-type"
    assert told.value.detail.startswith(f"this is {what}")


def test_what_is_cut_off_anywhere_is_refused():
    moov = where(FILM, b"moov")[0]
    for end in (40, moov - 5, moov, moov + 4, moov + 200, len(FILM) - 1):
        assert _reason(FILM[:end]) == "broken"


@pytest.mark.parametrize("more", [b"<html><script>alert(1)</script>", b"PK\3\4" + SECRET * 20])
def test_what_is_something_else_from_its_end_is_refused(more):
    assert _reason(FILM + more) == "broken"


def test_pictures_that_are_noise_are_refused():
    begins, ends = where(FILM, b"mdat")
    noise = bytes((n * 7919 >> 3) & 0xFF for n in range(ends - begins - 8))
    assert _reason(FILM[: begins + 8] + noise + FILM[ends:]) == "broken"


@pytest.mark.parametrize("size", [(60_000, 60_000), (65_535, 16), (4096, 4096)])
def test_a_bomb_by_its_header_is_not_decoded(size):
    at = STSD_ENTRY + 8 + 24
    bomb = changed(FILM, (*STBL, b"stsd"), at, struct.pack(">HH", *size))
    assert _reason(bomb) == "too-many-pixels"


def test_a_bomb_by_its_stream_alone_is_not_decoded():
    """The header tells of a small one; the stream's own parameters do not."""
    large = filmed(1, size=(4352, 2304), how={"preset": "ultrafast"})
    at = STSD_ENTRY + 8 + 24
    assert _reason(changed(large, (*STBL, b"stsd"), at, struct.pack(">HH", 192, 128))) in (
        "broken",
        "too-many-pixels",
    )


def test_a_million_pictures_are_too_much_and_a_table_that_lies_is_broken():
    path = (*STBL, b"stsz")
    assert _reason(changed(FILM, path, 8, _u32(1_000_000))) == "too-much-work"
    assert _reason(changed(FILM, path, 8, _u32(14_000))) == "broken"


def test_a_small_file_of_an_hour_is_too_long():
    assert _reason(filmed(3, rate=1, times=lambda number: number * 1800)) == "too-long"
    # What the header says is not believed either.
    shown = filmed(3, rate=1, times=lambda number: number * 100)
    scale = struct.unpack_from(">I", shown, where(shown, *TRACK, b"mdia", b"mdhd")[0] + 20)[0]
    lies = changed(shown, (*TRACK, b"mdia", b"mdhd"), 16, _u32(scale))
    assert _reason(lies) == "too-long"


def test_a_header_that_tells_of_more_than_a_minute_is_enough():
    told = changed(FILM, (*TRACK, b"mdia", b"mdhd"), 16, _u32(1 << 31))
    with pytest.raises(RefusedVideo) as error:
        headers.look(told)
    assert error.value.reason == "too-long"
    assert headers.look(FILM).codec == "h264"


def test_seventy_seconds_are_too_long():
    assert _reason(filmed(70, rate=1, size=(64, 64))) == "too-long"


def test_many_tracks_are_refused():
    assert _reason(filmed(1, tracks=2)) == "several-videos"
    begins, ends = where(FILM, *TRACK)
    many = FILM
    for _ in range(12):
        many = with_box(many, (b"moov",), FILM[begins:ends])
    assert _reason(many) == "broken"


def test_sound_alone_is_no_video():
    hdlr = where(FILM, *TRACK, b"mdia", b"hdlr")[0] + 16
    assert _reason(FILM[:hdlr] + b"soun" + FILM[hdlr + 4 :]) == "no-pictures"


def test_boxes_in_boxes_without_an_end_are_refused():
    deep = b""
    for _ in range(5000):
        deep = box(b"trak", deep)
    assert _reason(with_box(FILM, (b"moov",), deep)) == "broken"
    wide = box(b"free") * 20_000
    assert _reason(with_box(FILM, (b"moov",), wide)) == "broken"


def test_an_edit_list_that_shows_the_film_a_thousand_times_is_refused():
    edits = box(b"elst", _u32(0), _u32(1000), struct.pack(">IiI", 200, 0, 1 << 16) * 1000)
    assert _reason(with_box(FILM, TRACK, box(b"edts", edits))) == "too-much-work"


@pytest.mark.parametrize("name", [b"cmov", b"rmra", b"foov"])
def test_headers_of_another_form_are_refused_before_anything_is_unpacked(name):
    with pytest.raises(RefusedVideo):
        headers.look(with_box(FILM, (b"moov",), box(name, SECRET)))


@pytest.fixture
def asked():
    """A server that notes whether anybody comes: its address, and the ones who came."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def wait() -> None:
            while not done.is_set():
                try:
                    connection, who = server.accept()
                except TimeoutError:
                    continue
                came.append(who)
                connection.close()

        thread = threading.Thread(target=wait)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", came
        done.set()
        thread.join()


async def test_no_playlist_and_no_list_of_files_is_followed(asked, tmp_path):
    address, came = asked
    inside = tmp_path / "inside.mp4"
    inside.write_bytes(FILM)
    for text in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{address}/a.ts\n#EXT-X-ENDLIST\n",
        f"#EXTM3U\n#EXTINF:1,\nfile://{inside}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{inside}'\n",
        f"concat:{inside}|{inside}",
        f"http://{address}/a.mp4",
        f"<MPD><BaseURL>http://{address}/</BaseURL></MPD>",
        f"v=0\nc=IN IP4 {address}\nm=video 5004 RTP/AVP 96\n",
    ):
        # As it is, and behind the first bytes of a video.
        for data in (text.encode(), box(b"ftyp", b"isom\0\0\0\0") + text.encode()):
            with pytest.raises(RefusedVideo) as told:
                await cleaned(data)
            assert told.value.reason in ("other-type", "broken")
    assert came == []


@pytest.mark.parametrize("kind", [b"url ", b"alis", b"urn "])
async def test_pictures_in_another_file_are_not_fetched(asked, tmp_path, kind):
    address, came = asked
    inside = tmp_path / "inside.mp4"
    inside.write_bytes(FILM)
    at, _ = where(FILM, *DREF)
    for place in (f"http://{address}/a.mp4", f"file://{inside}", str(inside)):
        entry = box(kind, _u32(0), place.encode() + b"\0")
        # In place of the entry that says "here": the lengths around it grow.
        elsewhere = FILM
        elsewhere = with_box(elsewhere, DREF, entry)
        begins = at + 16
        (old,) = struct.unpack_from(">I", elsewhere, begins)
        elsewhere = elsewhere[:begins] + box(b"free", bytes(old - 8)) + elsewhere[begins + old :]
        with pytest.raises(RefusedVideo) as told:
            await cleaned(elsewhere)
        assert told.value.reason == "elsewhere"
        beside = with_box(changed(FILM, DREF, 4, _u32(2)), DREF, entry)
        with pytest.raises(RefusedVideo) as told:
            await cleaned(beside)
        assert told.value.reason == "elsewhere"
    assert came == []


def test_even_a_reader_that_was_not_warned_opens_nothing(asked, monkeypatch, tmp_path):
    address, came = asked
    monkeypatch.setattr(headers, "_all_here", lambda data, dref: None)
    inside = tmp_path / "inside.mp4"
    inside.write_bytes(FILM)
    for place in (f"http://{address}/a.mp4", str(inside)):
        entry = box(b"alis", _u32(0), bytes(150), place.encode())
        with contextlib.suppress(RefusedVideo):
            answer = clean(with_box(changed(FILM, DREF, 4, _u32(2)), DREF, entry))
            # Then of what is in the file itself.
            assert answer.duration_s == pytest.approx(0.2)
    assert came == []
