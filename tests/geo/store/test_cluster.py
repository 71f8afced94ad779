import multiprocessing
import os
import pwd
import stat
import tempfile
from pathlib import Path

import psycopg
import pytest

from geo.errors import ClusterFailed
from geo.store.cluster import Cluster


@pytest.fixture
def own(tmp_path):
    made = Cluster(tmp_path / "state", durable=False)
    yield made
    made.remove()


def test_a_cluster_keeps_its_data_over_a_stop(own):
    url = own.start()
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    own.stop()
    assert not own.running()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    assert own.start() == url
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_starting_twice_is_starting_once(own):
    own.start()
    pid = (own.data / "postmaster.pid").read_text().splitlines()[0]
    own.start()
    assert (own.data / "postmaster.pid").read_text().splitlines()[0] == pid


def test_the_cluster_listens_on_no_port_and_only_its_owner_may_enter(own):
    url = own.start()
    with psycopg.connect(url) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("",)
    assert stat.S_IMODE(own.sockets.stat().st_mode) == 0o700


def test_a_first_start_that_was_interrupted_is_made_good(own):
    own.start()
    own.stop()
    # what an initdb killed half way leaves
    (own.data / "PG_VERSION").unlink()
    with psycopg.connect(own.start()) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_will_not_start_says_why(own):
    own.start()
    own.stop()
    (own.data / "pg_hba.conf").write_text("nonsense\n")
    with pytest.raises(ClusterFailed, match=r"pg_hba\.conf"):
        own.start()


def test_variables_meant_for_another_server_do_not_lead_astray(own, monkeypatch, tmp_path):
    monkeypatch.setenv("PGDATA", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGHOST", "192.0.2.1")
    own.start()
    assert own.running()
    assert not (tmp_path / "elsewhere").exists()


def _as_nobody(folder, answers):
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    made = Cluster(folder, durable=False)
    with psycopg.connect(made.start()) as conn:
        answers.put(conn.execute("SELECT 1").fetchone())
    answers.put(str(made.home))
    made.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs all the other tests")
def test_an_ordinary_user_can_run_one_too():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        own = multiprocessing.get_context("fork")
        answers = own.Queue()
        process = own.Process(target=_as_nobody, args=(Path(folder) / "state", answers))
        process.start()
        assert answers.get(timeout=60) == (1,)
        assert answers.get(timeout=10) == str(Path(folder) / "state")
        process.join(30)
        assert process.exitcode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as somebody else")
def test_in_a_folder_closed_to_the_server_the_data_go_elsewhere_and_are_removed_too(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    made = Cluster(closed / "state", durable=False)
    made.start()
    assert not made.home.is_relative_to(closed)
    made.remove()
    assert not made.home.exists()
