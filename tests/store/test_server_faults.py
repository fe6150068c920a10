"""A server that dies, a primary that is lost, a standby that does not answer: what was acknowledged stays."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from compounding.problems import EnvironmentFails
from compounding.store.journal import Draft, Entry, Journal
from tests.servers import Server, give, made, new_folder, prepared, run
from tests.store.journals import SITE, begun, draft
from tests.store.killing import LONG, SEED, Life, Nursery, is_whole, nursery, tell, there
from tests.store.power import PowerSupply

KILLS, POWER_CUTS, FAILOVERS = (100, 100, 20) if LONG else (5, 2, 1)
CARELESS = "SET synchronous_commit TO off"
LOCAL = "SET synchronous_commit TO local"


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that may be killed."""
    folder = new_folder()
    server = prepared(made(folder))
    # So that an early acknowledgement is early by seconds.
    server.run("ALTER SYSTEM SET wal_writer_delay TO '10s'", "SELECT pg_reload_conf()")
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def everybody_of(server: Server) -> list[int]:
    """The server's processes: each works in the folder of its data."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # it has just ended
            if place.readlink() == server.data:
                found.append(int(place.parent.name))
    return found


def kill(server: Server) -> None:
    """All its processes at once, as when the machine stops."""
    while everybody := everybody_of(server):
        for pid in everybody:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    forget_locks(server)


def forget_locks(server: Server) -> None:
    """Nobody collects the killed here, so their locks look held; after a machine's restart they would not."""
    with suppress(OSError):  # the disk may be cut off
        unlink_locks(server)


def unlink_locks(server: Server) -> None:
    for lock in (server.data / "postmaster.pid", *server.folder.glob(".s.PGSQL.*")):
        lock.unlink(missing_ok=True)


def written_until(born: Nursery, address: str, name: str, wait: float, setting: str = "") -> tuple[Life, int]:
    life, pid = born.bear("write", address, name, *([setting] if setting else []))
    born.hear_one_done(life)
    time.sleep(wait)
    return life, pid


def end(born: Nursery, life: Life, pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    born.hear_until_dead(life)


def kills(server: Server, runs: int, setting: str = "") -> tuple[int, int, int]:
    """Kill the server under a writer: acknowledged, lost, and how often an append was under way."""
    source, acknowledged, lost, under_way = random.Random(SEED), 0, 0, 0
    with nursery() as born:
        for number in range(runs):
            life, pid = written_until(born, server.address(), f"kill{number}", source.uniform(0, 0.1), setting)
            kill(server)
            end(born, life, pid)
            server.start()
            under_way += life.begun != life.done
            acknowledged += len(life.done)
            lost += len(life.done - there(server.address(), life.done))
            assert is_whole(server.address())
    return acknowledged, lost, under_way


def test_the_harness_catches_a_server_that_acknowledges_before_the_disk_has_it(own_server: Server) -> None:
    begun(own_server.address()).close()
    assert kills(own_server, 2, CARELESS)[1] > 0


def test_every_acknowledged_entry_survives_a_server_killed_in_mid_commit(own_server: Server) -> None:
    begun(own_server.address()).close()
    acknowledged, lost, under_way = kills(own_server, KILLS)
    assert acknowledged >= KILLS and lost == 0
    assert under_way > 0
    tell("server killed", runs=KILLS, acknowledged=acknowledged, lost=lost, fired=under_way)


def test_a_connection_that_broke_is_made_anew_by_the_next_append(own_server: Server) -> None:
    with begun(own_server.address()) as journal:
        journal.append([draft()], {})
        kill(own_server)
        with pytest.raises(EnvironmentFails, match="no connection to the server") as caught:
            journal.append([draft(minute=1)], {})
        assert "nothing was recorded" in str(caught.value)
        with pytest.raises(EnvironmentFails, match="Check address, server, network"):
            journal.entries()
        own_server.start()
        assert journal.append([draft(minute=1)], {})[0].sequence == 2


def test_every_acknowledged_entry_survives_a_power_cut_of_the_server(tmp_path: Path) -> None:
    # The server's user must be able to come here, and the folders of the tests are closed to it.
    place = new_folder()
    supply = PowerSupply(place, size=96 << 20)
    supply.connect()
    try:
        acknowledged, lost = power_cuts(supply, 1, CARELESS)
        assert lost > 0  # the seeded bug
        supply.fired = 0
        acknowledged, lost = power_cuts(supply, POWER_CUTS)
        assert acknowledged >= POWER_CUTS and lost == 0
        assert supply.fired == POWER_CUTS
        tell("power cut, ext4, PostgreSQL", runs=POWER_CUTS, acknowledged=acknowledged, lost=lost, fired=supply.fired)
    finally:
        supply.disconnect()
        shutil.rmtree(place, ignore_errors=True)


def power_cuts(supply: PowerSupply, runs: int, setting: str = "") -> tuple[int, int]:
    source, acknowledged, lost = random.Random(SEED), 0, 0
    folder = supply.folder / f"server{len(list(supply.folder.iterdir()))}"
    folder.mkdir()
    give(folder)
    server = prepared(made(folder))
    os.sync()
    try:
        begun(server.address()).close()
        with nursery() as born:
            for number in range(runs):
                life, pid = written_until(born, server.address(), f"cut{number}", source.uniform(0, 0.1), setting)
                born.hear_what_was_said(life)
                before = set(life.done)
                supply.cut()
                kill(server)
                end(born, life, pid)
                supply.disconnect()
                supply.connect()
                forget_locks(server)  # those of the disk as it was
                server.start()
                acknowledged += len(before)
                lost += len(before - there(server.address(), before))
                assert is_whole(server.address())
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return acknowledged, lost


# ---- two servers ----


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary that waits for its standby, and the standby."""
    folders = new_folder(), new_folder()
    primary, standby = paired(*folders)
    yield primary, standby
    for server in (primary, standby):
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def paired(first: Path, second: Path) -> tuple[Server, Server]:
    primary, standby = prepared(made(first)), Server(second)
    run("pg_basebackup", "-D", standby.data, "-R", "-X", "stream", "-c", "fast", "--no-sync",
        "-d", primary.address("postgres", "postgres") + "&application_name=second")  # fmt: skip
    standby.configure(unix_socket_directories=str(second))
    standby.start()
    begun(primary.address()).close()
    primary.run("ALTER SYSTEM SET synchronous_standby_names TO 'second'", "SELECT pg_reload_conf()")
    for _ in range(500):
        if primary.run("SELECT sync_state FROM pg_stat_replication") == [("sync",)]:
            break
        time.sleep(0.01)
    return primary, standby


def both(primary: Server, standby: Server) -> str:
    """The address of whichever of the two takes entries."""
    first, second = primary, standby
    return (
        f"postgresql://bench@/pharmacy?host={first.folder},{second.folder}&port={first.port},{second.port}"
        "&target_session_attrs=read-write"
    )


def receiver(standby: Server) -> int:
    """The process of the standby that receives what the primary sends."""
    for _ in range(500):
        for pid in everybody_of(standby):
            with suppress(FileNotFoundError):
                if b"walreceiver" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        time.sleep(0.01)
    raise AssertionError("the standby receives nothing")


def failed_over(
    primary: Server, standby: Server, name: str, setting: str = "", *, deaf: bool = False
) -> tuple[int, int, float]:
    """Lose the primary under a writer and promote the standby: acknowledged, lost, seconds until the next entry."""
    address = both(primary, standby)
    with nursery() as born:
        life, pid = written_until(born, address, name, 0.2)
        end(born, life, pid)
        late, pid = born.bear("write", address, f"{name}-late", *([setting] if setting else []))
        if setting:
            born.hear_one_done(late)
        if deaf:
            os.kill(receiver(standby), signal.SIGSTOP)
        time.sleep(0.3)
        born.hear_what_was_said(late)
        done = life.done | late.done
        kill(primary)
        end(born, late, pid)
        done |= late.done
    if deaf:
        os.kill(receiver(standby), signal.SIGKILL)
    began = time.monotonic()
    run("pg_ctl", "promote", "-w", "-D", standby.data)
    standby.run("ALTER SYSTEM SET synchronous_standby_names TO ''", "SELECT pg_reload_conf()")
    with Journal.open(address, SITE) as journal:
        journal.append([Draft("Weighed", {}, ("lot:A",), "Ana", "bench", "", journal.entries()[-1].time)], {})
    gap = time.monotonic() - began
    assert is_whole(address)
    return len(done), len(done - there(address, done)), gap


def test_the_harness_catches_a_primary_that_does_not_wait_for_its_standby(pair: tuple[Server, Server]) -> None:
    _, lost, _ = failed_over(*pair, "careless", LOCAL, deaf=True)
    assert lost > 0


def test_no_acknowledged_entry_is_lost_with_the_primary(pair: tuple[Server, Server]) -> None:
    acknowledged, lost, gap = failed_over(*pair, "honest")
    assert acknowledged > 0 and lost == 0
    assert gap < 5
    for number in range(1, FAILOVERS):
        folders = new_folder(), new_folder()
        primary, standby = paired(*folders)
        more, gone, longest = failed_over(primary, standby, f"honest{number}")
        acknowledged, lost, gap = acknowledged + more, lost + gone, max(gap, longest)
        for server in (primary, standby):
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)
    assert lost == 0
    tell(
        "primary lost, standby promoted",
        runs=FAILOVERS,
        acknowledged=acknowledged,
        lost=lost,
        fired=FAILOVERS,
        seconds=round(gap, 2),
    )


def test_a_standby_takes_no_entries_and_says_so(pair: tuple[Server, Server]) -> None:
    _, standby = pair
    with Journal.open(standby.address(), SITE) as journal, pytest.raises(EnvironmentFails, match="it is a standby"):
        journal.append([draft()], {})


def waiting(primary: Server) -> list[int]:
    """The connections that wait for the standby."""
    return [
        int(str(pid))
        for (pid,) in primary.run("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND usename = 'bench'")
    ]


def cancel_a_wait(primary: Server) -> None:
    for _ in range(1000):
        if pids := waiting(primary):
            primary.run(f"SELECT pg_cancel_backend({pids[0]})")
            return
        time.sleep(0.01)
    raise AssertionError("nobody waited")


@pytest.mark.parametrize("cancelled", [1, 2])
def test_a_cancelled_wait_for_the_standby_is_never_a_success_until_the_standby_has_the_entry(
    pair: tuple[Server, Server], cancelled: int
) -> None:
    primary, standby = pair
    came: list[tuple[Entry, ...] | Exception] = []
    with Journal.open(both(primary, standby), SITE) as journal:

        def append() -> None:
            try:
                came.append(journal.append([draft(idempotency_key="once")], {}))
            except EnvironmentFails as failure:
                came.append(failure)

        deaf = receiver(standby)
        os.kill(deaf, signal.SIGSTOP)
        writer = threading.Thread(target=append)
        writer.start()
        for number in range(cancelled):
            cancel_a_wait(primary)
            time.sleep(0.2)
            assert came == [] or number == 1  # the server said success: it is not believed
        if cancelled == 1:
            os.kill(deaf, signal.SIGCONT)
        writer.join(timeout=30)
        os.kill(deaf, signal.SIGCONT)
        if cancelled == 1:
            assert isinstance(came[0], tuple) and came[0][0].sequence == 1
        else:
            assert "It is not known whether the entry was recorded" in str(came[0])
        assert len(journal.append([draft(idempotency_key="once")], {})) == 1
        assert journal.head().size == 1  # looked up by its key, and not written twice
    with psycopg.connect(standby.address("postgres")) as connection:
        assert connection.execute("SELECT count(*) FROM compounding.entries").fetchone() == (1,)
