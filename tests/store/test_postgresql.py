"""A journal on a PostgreSQL server: who may do what, what is refused at the door, and what a changed schema gives away."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from compounding.problems import CompoundingError, EnvironmentFails, NotUnderstood, Refused
from compounding.store import postgresql
from compounding.store.journal import Journal
from compounding.store.verify import verify
from tests.bench import begun as begun_bench
from tests.bench import carried_on, ran, story
from tests.enforced import rule
from tests.pages import alike, run_all, shown_in
from tests.servers import WRITER, Server
from tests.store.journals import SITE, begun, draft, filled

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "move-to-postgresql.md"


@pytest.fixture
def address(server: Server) -> str:
    return server.emptied()


def refusal(address: str) -> CompoundingError:
    with pytest.raises(CompoundingError) as caught:
        Journal.open(address, SITE)
    return caught.value


# ---- who may do what ----


@rule("REC-28")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET person = 'Bo'",
        "DELETE FROM entries",
        "TRUNCATE entries CASCADE",
        "UPDATE subjects SET subject = 'lot:B'",
        "DELETE FROM subjects",
        "UPDATE sites SET site = 'other'",
        "INSERT INTO sites VALUES ('other')",
        "ALTER TABLE entries DISABLE TRIGGER ALL",
        "DROP TABLE subjects",
        "SET session_replication_role TO replica",
        "CREATE TABLE compounding.more(a int)",
    ],
)
def test_the_role_of_the_bench_can_read_and_add_and_nothing_else(address: str, statement: str) -> None:
    with filled(address, 3) as journal:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            journal.database._connection.execute(statement)
        assert verify(journal) == []


@rule("REC-28")
def test_even_the_owner_of_the_tables_is_stopped_by_their_triggers(address: str, server: Server) -> None:
    filled(address, 3).close()
    for statement in ("UPDATE compounding.entries SET person = 'Bo'", "DELETE FROM compounding.subjects",
                      "TRUNCATE compounding.entries CASCADE"):  # fmt: skip
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
            server.run(statement)


def test_each_site_has_its_own_chain_and_the_sites_do_not_see_each_other(address: str) -> None:
    with filled(address, 5) as main, begun(address, "north") as north:
        assert [entry.sequence for entry in north.append([draft(), draft(idempotency_key="key-0")], {})] == [1, 2]
        assert main.append([draft(minute=60)], {})[0].sequence == 6
        assert north.subjects("lot:") == {} and main.subjects("lot:") == {"lot:NAL-50": 3}
        assert north.recall_personal("rx-1") is None
        assert verify(main) == verify(north) == []
    with pytest.raises(Refused, match="is the journal of main, north, not of south"):
        Journal.open(address, "south")


NORTH = "bench_of_north"


def of_north(server: Server) -> str:
    """The address of a role of the bench that may write at the site north alone."""
    if not server.run(f"SELECT 1 FROM pg_roles WHERE rolname = '{NORTH}'"):
        server.run(f"CREATE ROLE {NORTH} LOGIN")
    postgresql.create(server.address("postgres"), "north", NORTH).close()
    return server.address(NORTH)


def test_the_bench_of_one_site_adds_nothing_to_another_and_neither_sees_nor_erases_its_names(address: str, server: Server) -> None:
    with filled(address, 3) as main, Journal.open(of_north(server), "north") as north:
        north.append([draft("Weighed", "rx:9")], {}, north.personal("rx-9", "Bo Sample", ""))
        connection = north.database._connection
        assert connection.execute("DELETE FROM personal WHERE prescription = 'rx-1'").rowcount == 0
        assert connection.execute("UPDATE personal SET name = 'X'").rowcount == 1  # its own
        assert connection.execute("SELECT prescription FROM personal").fetchall() == [("rx-9",)]
        known = main.recall_personal("rx-1")
        assert known is not None and known.name == "Zoë O'Hara"
        assert verify(main) == []
    with (
        Journal.open(server.address(NORTH), SITE) as stranger,
        pytest.raises(EnvironmentFails, match="This role may not do that"),
    ):
        stranger.append([draft(minute=60)], {})


def test_a_further_role_gets_the_rights_to_a_journal_that_is_there(address: str, server: Server) -> None:
    filled(address, 3).close()
    of_north(server)
    postgresql.create(server.address("postgres"), SITE, NORTH).close()
    postgresql.create(server.address("postgres"), SITE, NORTH).close()
    with Journal.open(server.address(NORTH), SITE) as journal:
        assert journal.append([draft(minute=60)], {})[0].sequence == 4
        assert verify(journal) == []


def test_a_site_is_begun_once(address: str, server: Server) -> None:
    filled(address, 2).close()
    with pytest.raises(Refused, match="holds a journal of main already"):
        postgresql.create(server.address("postgres"), SITE)
    with Journal.open(address, SITE) as journal:
        assert journal.head().size == 2


def test_a_role_that_is_not_there_gets_nothing_and_nothing_is_made(address: str, server: Server) -> None:
    with pytest.raises(Refused, match="CREATE ROLE nobody LOGIN"):
        postgresql.create(server.address("postgres"), SITE, "nobody")
    assert "No journal at" in str(refusal(address))
    with pytest.raises(EnvironmentFails, match="permission denied"):
        postgresql.create(address, SITE)


# ---- a changed schema gives itself away, and so does a changed row ----


@rule("REC-24")
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER TABLE entries DISABLE TRIGGER at_the_end", "trigger at_the_end"),
        ("DROP TRIGGER entries_append_only ON entries", "trigger entries_append_only"),
        ("CREATE OR REPLACE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "function refused"),
        ("ALTER TABLE entries DROP CONSTRAINT entries_site_sequence_key CASCADE", "constraint entries_site_sequence_key"),
        ("ALTER TABLE entries ADD COLUMN note text", "column entries.note"),
        ("ALTER TABLE entries ALTER person DROP NOT NULL", "column entries.person"),
        ("CREATE TABLE more(a int)", "column more.a"),
        ("GRANT UPDATE ON entries TO bench", "right of bench to update"),
        ("GRANT DELETE ON subjects TO PUBLIC", "right of everybody to delete"),
        ("ALTER TABLE personal DISABLE ROW LEVEL SECURITY", "row security of personal"),
        ("CREATE POLICY all_of_it ON personal TO bench USING (true)", "policy of personal"),
        ("CREATE POLICY own ON entries TO PUBLIC USING (site = 'main')", "policy of entries"),
        ("CREATE POLICY own ON entries TO bench USING (site = 'main') WITH CHECK (site <> '')", "policy of entries"),
    ],
)  # fmt: skip
def test_a_changed_schema_is_found(address: str, server: Server, statement: str, named: str) -> None:
    with filled(address, 3) as journal:
        server.run("SET search_path TO compounding", statement)
        found = verify(journal)
        assert {problem.code for problem in found} == {"verify.schema"}
        assert any(str(problem.where).startswith(named) for problem in found)


@pytest.mark.parametrize("sequence", [1, 3, 5])
@pytest.mark.parametrize(
    "change",
    ["kind = 'Released'", "time = '2026-03-01T09:00:00.000001Z'", "person = 'Bo'", "idempotency_key = 'x'",
     "body = set_byte(body, 20, 33)", "signatures = '\\x00'", "leaf = set_byte(leaf, 0, get_byte(leaf, 0) # 1)",
     "peaks = set_byte(peaks, 0, get_byte(peaks, 0) # 1)"],
)  # fmt: skip
def test_a_row_edited_without_its_trigger_is_found_at_its_entry(
    address: str, server: Server, change: str, sequence: int
) -> None:
    with filled(address, 5) as journal:
        server.run("SET search_path TO compounding", "SET session_replication_role TO replica",
                   f"UPDATE entries SET {change} WHERE sequence = {sequence}")  # fmt: skip
        assert [(problem.code, problem.where) for problem in verify(journal)] == [("verify.entry", f"entry {sequence}")]


def test_deleted_swapped_and_stray_rows_are_found(address: str, server: Server) -> None:
    def found(*statements: str) -> list[str]:
        server.emptied()
        with filled(address, 5) as journal:
            server.run("SET search_path TO compounding", "SET session_replication_role TO replica", *statements)
            return [str(problem.where) for problem in verify(journal)]

    both = "UPDATE {} SET sequence = CASE sequence WHEN 2 THEN -3 WHEN 3 THEN -2 ELSE sequence END"
    assert found("DELETE FROM entries WHERE sequence = 2", "DELETE FROM subjects WHERE sequence = 2") == ["entry 2"]
    assert found(both.format("entries"), both.format("subjects"), "UPDATE entries SET sequence = abs(sequence)",
                 "UPDATE subjects SET sequence = abs(sequence)") == ["entry 2"]  # fmt: skip
    assert found("DELETE FROM subjects WHERE sequence = 3") == ["entry 3"]
    assert found("INSERT INTO subjects VALUES ('main', 'lot:X', 9)") == ["subjects"]
    assert found("INSERT INTO subjects VALUES ('east', 'lot:X', 1)") == ["file"]


# ---- what is refused at the door ----


def test_what_stands_in_the_way_is_said_with_what_to_do(address: str, server: Server) -> None:
    assert "run `compounding journal init`" in str(refusal(address))
    assert 'database "nowhere" does not exist' in str(refusal(server.address(database="nowhere")))
    assert 'role "somebody" does not exist' in str(refusal(server.address("somebody")))
    assert "no connection to the server" in str(refusal(address.replace("5432", "5999")))
    assert "cannot be read" in str(refusal("postgresql://%zz"))
    server.run("CREATE SCHEMA compounding")
    assert "is not of this tool" in str(refusal(address))
    server.run("COMMENT ON SCHEMA compounding IS 'compounding journal, format 2'")
    assert "knows format 1" in str(refusal(address))


def test_a_password_in_the_address_is_refused_and_never_repeated(address: str) -> None:
    with pytest.raises(NotUnderstood, match=r"take it out, and put it into ~/\.pgpass") as caught:
        Journal.open(address.replace(f"{WRITER}@", f"{WRITER}:s3cret@"), SITE)
    assert "s3cret" not in str(caught.value)


def test_a_server_that_would_forget_is_refused(server: Server, address: str) -> None:
    filled(address, 1).close()
    server.run("ALTER SYSTEM SET fsync TO off", "SELECT pg_reload_conf()")
    try:
        for _ in range(100):
            if server.run("SHOW fsync") == [("off",)]:
                break
        assert "would forget entries" in str(refusal(address))
    finally:
        server.run("ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()")


def test_without_the_extra_the_command_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from compounding.store.journal import Journal\n"
        "from compounding.problems import EnvironmentFails\n"
        "try: Journal.open('postgresql:///x', 'main')\n"
        "except EnvironmentFails as failure: print(failure)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pip install 'compounding-pharmacy[postgres]'" in told.stdout


# ---- the command line ----


def test_a_batch_is_made_on_a_server_from_the_first_command_to_release(
    tmp_path: Path, server: Server, address: str
) -> None:
    bench = begun_bench(tmp_path)
    settings = tmp_path / "settings.toml"
    settings.write_text(settings.read_text().replace('"journal.sqlite"', f'"{address}"'))
    owner = server.address("postgres")
    assert bench.do(f"journal init --owner {owner} --writer {WRITER} --json").json["site"] == "main"
    assert bench.run(f"journal init --owner {owner}").codes == ["journal.exists"]
    for person, command in story("lot receive"):
        bench.do(command, person)
    carried_on(bench, "CAPS-1", "label")
    assert bench.do("batch show CAPS-1 --json").json["state"] == "released"
    assert bench.do("journal verify --json").json["entries"] > 20


def test_init_writes_an_address_into_the_settings_and_a_file_takes_no_owner(tmp_path: Path, address: str) -> None:
    words = ["init", "--folder", str(tmp_path / "a"), "--name", "N", "--address", "A", "--phone", "1"]
    words += ["--person", "ana:Ana Ortiz:pharmacist", "--balance", "bench:0.1 mg:20 mg"]
    assert "compounding journal init" in ran([*words, "--journal", address]).err
    assert f'journal = "{address}"' in (tmp_path / "a" / "settings.toml").read_text()
    assert not (tmp_path / "a" / "journal.sqlite").exists()
    words[2] = str(tmp_path / "b")
    assert ran([*words, "--journal", "mysql://x"]).codes == ["init.journal"]
    bench = begun_bench(tmp_path / "c")
    assert bench.run("journal init").codes == ["journal.exists"]
    assert bench.run("journal init --writer bench").codes == ["journal.no-server"]
    bench.journal.unlink()
    assert "begins at" in bench.do("journal init").out
    assert bench.do("journal verify --json").json["entries"] == 0


# ---- the page ----


def test_the_page_moves_a_journal_to_a_server_as_it_shows(tmp_path: Path, server: Server, address: str) -> None:
    page = PAGE.read_text("utf-8")
    owner = server.address("postgres")
    (line,) = (each for each in page.splitlines() if each.startswith('journal = "') and "target" not in each)
    # The names of the page for the server's own, and back in what is printed.
    names = {
        "postgresql://pharmacy_owner@db.example/pharmacy": owner,
        "postgresql://bench@db.example/pharmacy": address,
    }
    shown = shown_in(page)
    moved = next(place for place, each in enumerate(shown) if "journal init" in each.typed)
    begin, rest = shown[:moved], [replace(each, typed=_replaced(each.typed, names)) for each in shown[moved:]]
    printed = run_all(begin, tmp_path)
    settings = tmp_path / "pharmacy" / "settings.toml"
    settings.write_text(re.sub(r'(?m)^journal = ".*?"', _replaced(line, names), settings.read_text()))
    printed += run_all([shown[0], *rest], tmp_path)[1:]
    for each, (code, told) in zip(shown, printed, strict=True):
        told = told.replace(f"postgresql://{server.folder}/", "postgresql://db.example/")
        assert (code, alike(told)) == (0, alike(each.printed)), each.typed
    for statement in re.findall(
        r"(?m)^CREATE .*;$", page.replace("pharmacy", "pharmacy_2").replace("bench", "bench_2")
    ):
        server.run(statement, database="postgres")


def _replaced(text: str, names: dict[str, str]) -> str:
    for name, own in names.items():
        text = text.replace(name, own)
    return text
