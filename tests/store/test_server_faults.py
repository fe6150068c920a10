"""A server that dies, a primary that is lost, a standby that does not answer: what was acknowledged stays."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from compounding.problems import EnvironmentFails
from compounding.store.journal import Draft, Journal
from tests.servers import Server, give, made, new_folder, prepared, run
from tests.store.journals import SITE, begun, draft
from tests.store.killing import LONG, SEED, Life, Nursery, is_whole, nursery, tell, there
from tests.store.power import PowerSupply

KILLS, POWER_CUTS, FAILOVERS, CANCELLED = (100, 100, 20, 100) if LONG else (5, 2, 1, 4)
# What writers do before the primary is lost: with `make faults` long enough for 60,000 entries in all.
AT_WORK, WRITERS = (8.0, 4) if LONG else (0.3, 2)
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


@dataclass
class FailedOver:
    """What became of a loss of the primary: entries acknowledged before, how many of them are lost, the seconds without a
    journal from the kill to the next entry, whether entries were under way when it came."""

    acknowledged: int
    lost: int
    gap: float
    fired: bool


def failed_over(primary: Server, standby: Server, name: str, setting: str = "", *, deaf: bool = False) -> FailedOver:
    """Lose the primary under its writers and promote the standby."""
    address = both(primary, standby)
    assert standby.run("SELECT pg_is_in_recovery()") == [(True,)]
    with ExitStack() as stack:
        births = [stack.enter_context(nursery()) for _ in range(WRITERS)]
        at_work = []
        for number, born in enumerate(births):
            life, pid = born.bear("write", address, f"{name}-{number}", *([setting] if setting else []))
            born.hear_one_done(life)
            at_work.append((born, life, pid))
        if deaf:
            os.kill(receiver(standby), signal.SIGSTOP)
        until = time.monotonic() + AT_WORK
        while time.monotonic() < until:
            time.sleep(0.1)
            for born, life, _ in at_work:
                born.hear_what_was_said(life)
        began = time.monotonic()
        kill(primary)
        for born, life, pid in at_work:
            end(born, life, pid)
        under_way = any(life.begun != life.done for _, life, _ in at_work)
        done = set().union(*(life.done for _, life, _ in at_work))
    if deaf:
        os.kill(receiver(standby), signal.SIGKILL)
    run("pg_ctl", "promote", "-w", "-D", standby.data)
    standby.run("ALTER SYSTEM SET synchronous_standby_names TO ''", "SELECT pg_reload_conf()")
    with Journal.open(address, SITE) as journal:
        last = journal.entries(after=journal.head().size - 1)[-1].time
        journal.append([Draft("Weighed", {}, ("lot:A",), "Ana", "bench", "", last)], {})
    gap = time.monotonic() - began
    assert standby.run("SELECT pg_is_in_recovery()") == [(False,)] and not everybody_of(primary)
    assert is_whole(address)
    return FailedOver(len(done), len(done - there(address, done)), gap, under_way)


def test_the_harness_catches_a_primary_that_does_not_wait_for_its_standby(pair: tuple[Server, Server]) -> None:
    assert failed_over(*pair, "careless", LOCAL, deaf=True).lost > 0


def test_no_acknowledged_entry_is_lost_with_the_primary(pair: tuple[Server, Server]) -> None:
    runs = [failed_over(*pair, "honest")]
    for number in range(1, FAILOVERS):
        primary, standby = paired(new_folder(), new_folder())
        runs.append(failed_over(primary, standby, f"honest{number}"))
        for server in (primary, standby):
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)
    acknowledged, lost, fired = (sum(getattr(each, name) for each in runs) for name in ("acknowledged", "lost", "fired"))
    gap = max(each.gap for each in runs)
    assert lost == 0 and fired == FAILOVERS and acknowledged >= (60_000 if LONG else 1)
    assert gap < 5
    tell("primary lost, standby promoted", runs=FAILOVERS, acknowledged=acknowledged, lost=lost, fired=fired, seconds=round(gap, 2))


def test_without_its_standby_a_primary_acknowledges_nothing_and_with_it_again_everything(pair: tuple[Server, Server]) -> None:
    primary, standby = pair
    with nursery() as born:
        before, pid = written_until(born, primary.address(), "before", 0.1)
        end(born, before, pid)
        kill(standby)
        alone, pid = born.bear("write", primary.address(), "alone")
        time.sleep(1)
        born.hear_what_was_said(alone)
        assert alone.begun and not alone.done
        assert waiting(primary)  # it is the standby that is waited for, and nothing else
        standby.start()
        born.hear_one_done(alone)
        end(born, alone, pid)
    assert before.done and there(primary.address(), before.done | alone.done) == before.done | alone.done
    assert is_whole(primary.address())


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


def cancel_a_wait(primary: Server) -> bool:
    for _ in range(1000):
        if pids := waiting(primary):
            return primary.run(f"SELECT pg_cancel_backend({pids[0]})") == [(True,)]
        time.sleep(0.01)
    raise AssertionError("nobody waited")


def appended_while_deaf(journal: Journal, primary: Server, standby: Server, key: str, times: int) -> tuple[object, int]:
    """Append while the standby does not answer, and cancel the wait for it so often: the entries, or why there are none; how
    often it was cancelled."""
    came: list[object] = []
    cancelled = 0

    def append() -> None:
        try:
            came.append(journal.append([draft(idempotency_key=key)], {}))
        except EnvironmentFails as failure:
            came.append(failure)

    deaf = receiver(standby)
    os.kill(deaf, signal.SIGSTOP)
    writer = threading.Thread(target=append)
    writer.start()
    for number in range(times):
        cancelled += cancel_a_wait(primary)
        time.sleep(0.2)
        assert came == [] or number == 1  # the server said success: it is not believed
    if times == 1:
        os.kill(deaf, signal.SIGCONT)
    writer.join(timeout=30)
    os.kill(deaf, signal.SIGCONT)
    return came[0], cancelled


def test_a_cancelled_wait_for_the_standby_is_never_a_success_until_the_standby_has_the_entry(
    pair: tuple[Server, Server],
) -> None:
    primary, standby = pair
    unknown = fired = 0
    with Journal.open(both(primary, standby), SITE) as journal:
        for number in range(1, CANCELLED + 1):
            key = f"once-{number}"
            came, cancelled = appended_while_deaf(journal, primary, standby, key, 1 + number % 2)
            fired += cancelled
            if number % 2 == 0:
                assert isinstance(came, tuple) and came[0].sequence == number
            else:
                unknown += "It is not known whether the entry was recorded" in str(came)
            (entry,) = journal.append([draft(idempotency_key=key)], {})
            assert entry.sequence == number == journal.head().size  # looked up by its key, and not written twice
    assert unknown == CANCELLED // 2 and fired == CANCELLED + unknown
    tell("wait for the standby cancelled", runs=CANCELLED, fired=fired, acknowledged=CANCELLED - unknown, lost=0)
    with psycopg.connect(standby.address("postgres")) as connection:
        assert connection.execute("SELECT count(*) FROM compounding.entries").fetchone() == (CANCELLED,)
