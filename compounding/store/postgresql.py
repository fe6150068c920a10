"""Journals on a PostgreSQL server: many sites in one database, each with its own chain.

Writers of one site wait for each other at an advisory lock, those of different sites never do. Who
writes at the bench may insert and select, nothing else, and that at its own sites alone, whose names of
patients it sees; the tables belong to another role.

A commit is acknowledged only when every standby that the server is told to wait for has it. If
somebody cancels that wait, the server says success with a warning: here that is an unknown outcome,
which is looked up after the site's lock was had and one more commit has reached the standbys.

Source:
    postgresql-locks; postgresql-synchronous; postgresql-error-codes; postgresql-row-security
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from typing import Any

from compounding.problems import EnvironmentFails, NotUnderstood, Problem, Refused
from compounding.store.database import BUSY_SECONDS, FORMAT, CommitFails, DamagedRow, Database

try:
    import psycopg
    from psycopg import conninfo, sql
except ImportError as missing:
    raise EnvironmentFails(
        Problem(
            "journal.postgres-missing",
            "The journal lies on a PostgreSQL server, but the program that speaks to it is not installed:"
            " run pip install 'compounding-pharmacy[postgres]', then the command again.",
        )
    ) from missing

OLDEST_SERVER = 150000
ROWS_AT_A_TIME = 1000

# A dead server or network is noticed within seconds; the address may say otherwise.
_DEFAULTS = {
    "application_name": "compounding",
    "connect_timeout": "5",
    "keepalives_idle": "2",
    "keepalives_interval": "1",
    "keepalives_count": "3",
    "tcp_user_timeout": "4000",
}

# The name before `pg_temp`, so that no temporary table passes for one of ours.
_SESSION = f"""SET search_path TO compounding, pg_temp;
SET synchronous_commit TO remote_apply;
SET lock_timeout TO '{BUSY_SECONDS}s';
SET idle_in_transaction_session_timeout TO '{2 * BUSY_SECONDS}s';
SET bytea_output TO hex"""

_AT_THE_END = """
BEGIN
  IF NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM entries WHERE site = NEW.site) THEN
    RAISE EXCEPTION 'the journal only grows at its end' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END
"""
_REFUSED = """
BEGIN
  RAISE EXCEPTION 'the journal is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
"""
_APPEND_ONLY = ("sites", "entries", "subjects")
# A role of the bench adds rows of its own sites alone; which rows it sees: every entry, and the names of its own patients.
_OF_SITES = {"entries": "true", "subjects": "true", "personal": "site = {site}"}

# Text is compared byte by byte (COLLATE "C"), as SQLite does.
_SCHEMA = (
    "CREATE SCHEMA compounding",
    f"COMMENT ON SCHEMA compounding IS 'compounding journal, format {FORMAT}'",
    "SET LOCAL search_path TO compounding, pg_temp",
    """CREATE TABLE sites(
  site text COLLATE "C" NOT NULL PRIMARY KEY
)""",
    """CREATE TABLE entries(
  site text COLLATE "C" NOT NULL REFERENCES sites(site),
  sequence bigint NOT NULL,
  kind text COLLATE "C" NOT NULL,
  time text COLLATE "C" NOT NULL,
  person text COLLATE "C" NOT NULL,
  idempotency_key text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  signatures bytea NOT NULL,
  leaf bytea NOT NULL,
  peaks bytea NOT NULL,
  UNIQUE (site, sequence),
  UNIQUE (site, idempotency_key)
)""",
    """CREATE TABLE subjects(
  site text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  PRIMARY KEY (site, subject, sequence),
  FOREIGN KEY (site, sequence) REFERENCES entries(site, sequence)
)""",
    """CREATE TABLE personal(
  site text COLLATE "C" NOT NULL REFERENCES sites(site),
  prescription text COLLATE "C" NOT NULL,
  salt bytea NOT NULL,
  name text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL,
  PRIMARY KEY (site, prescription)
)""",
    f"""CREATE FUNCTION at_the_end() RETURNS trigger LANGUAGE plpgsql
SET search_path TO compounding, pg_temp AS $body${_AT_THE_END}$body$""",
    f"CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $body${_REFUSED}$body$",
    "CREATE TRIGGER at_the_end BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION at_the_end()",
    *(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refused()"
        for table in _APPEND_ONLY
    ),
    *(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY" for table in _OF_SITES),
)
_RIGHTS = (
    "GRANT USAGE ON SCHEMA compounding TO {}",
    "GRANT SELECT ON sites TO {}",
    "GRANT SELECT, INSERT ON entries, subjects TO {}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON personal TO {}",
)

# The schema as sentences of the server's catalogue, so that they can be compared with what `_SCHEMA` makes.
_PARTS = """
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || coalesce(' ' || l.collname, '')
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_collation l ON l.oid = a.attcollation
  WHERE c.relnamespace = 'compounding'::regnamespace AND c.relkind <> 'i' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint ' || o.conname || CASE WHEN o.convalidated THEN ' ' ELSE ' not valid ' END || pg_get_constraintdef(o.oid)
  FROM pg_constraint o WHERE o.connamespace = 'compounding'::regnamespace AND o.contype <> 'n'
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || c.relname || ' ' || t.tgtype::text || t.tgenabled::text || ' ' || p.proname
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE c.relnamespace = 'compounding'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'function ' || p.proname || ' ' || p.prosrc FROM pg_proc p WHERE p.pronamespace = 'compounding'::regnamespace
UNION ALL
SELECT 'right of ' || coalesce(r.rolname, 'everybody') || ' to ' || lower(g.privilege_type) || ' ' || c.relname
  FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) g LEFT JOIN pg_roles r ON r.oid = g.grantee
  WHERE c.relnamespace = 'compounding'::regnamespace AND g.grantee <> c.relowner AND c.relname <> 'personal'
    AND g.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER')
UNION ALL
SELECT 'row security of ' || c.relname FROM pg_class c WHERE c.relnamespace = 'compounding'::regnamespace AND c.relrowsecurity
UNION ALL
SELECT 'policy of ' || c.relname || ' for many sites'
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid,
    LATERAL (SELECT pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)) AS e(sees, adds)
  WHERE c.relnamespace = 'compounding'::regnamespace AND (
    0 <> ALL (p.polroles) AND e.adds ~ '^.site = ''[A-Za-z0-9._-]+''::text.$'
    AND e.sees = CASE c.relname WHEN 'personal' THEN e.adds ELSE 'true' END) IS NOT TRUE
"""
_COLUMN_TYPES = {"sequence": "bigint", **dict.fromkeys(("body", "signatures", "leaf", "peaks", "salt"), "bytea")}
_COLUMNS_OF = {
    "sites": "site",
    "entries": "site sequence kind time person idempotency_key body signatures leaf peaks",
    "subjects": "site subject sequence",
    "personal": "site prescription salt name address digest",
}
_CONSTRAINTS = (
    "sites_pkey PRIMARY KEY (site)",
    "entries_site_fkey FOREIGN KEY (site) REFERENCES sites(site)",
    "entries_site_idempotency_key_key UNIQUE (site, idempotency_key)",
    "entries_site_sequence_key UNIQUE (site, sequence)",
    "subjects_pkey PRIMARY KEY (site, subject, sequence)",
    "subjects_site_sequence_fkey FOREIGN KEY (site, sequence) REFERENCES entries(site, sequence)",
    "personal_pkey PRIMARY KEY (site, prescription)",
    "personal_site_fkey FOREIGN KEY (site) REFERENCES sites(site)",
)
_EXPECTED_PARTS = frozenset(
    {
        *(
            f"column {table}.{column} {_COLUMN_TYPES.get(column, 'text')} not null{'' if column in _COLUMN_TYPES else ' C'}"
            for table, columns in _COLUMNS_OF.items()
            for column in columns.split()
        ),
        *(f"constraint {constraint}" for constraint in _CONSTRAINTS),
        "trigger at_the_end on entries 7O at_the_end",  # 7: each row, before, insert; O: enabled
        *(
            f"trigger {table}_append_only on {table} 58O refused" for table in _APPEND_ONLY
        ),  # 58: before the other three
        f"function at_the_end {_AT_THE_END}",
        f"function refused {_REFUSED}",
        *(f"row security of {table}" for table in _OF_SITES),
    }
)


class PostgresqlDatabase(Database):
    """A connection to one database on a server; after a broken one the next question makes another."""

    def __init__(self, address: str) -> None:
        self._address = _complete(address)
        self.where = _named(self._address)
        self._warnings: list[str] = []
        self._cursors = count(1)
        self._connection = self._connected()

    def close(self) -> None:
        self._connection.close()

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        with self._in_plain_words():
            connection = psycopg.connect(self._address, autocommit=True)
            connection.add_notice_handler(self._hear)
            try:
                connection.execute(_SESSION)
            except BaseException:
                connection.close()
                raise
            return connection

    def _alive(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection.closed:
            self._connection = self._connected()
        return self._connection

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        if (notice.severity_nonlocalized or notice.severity) == "WARNING":
            self._warnings.append(notice.message_primary or "a warning without words")

    # ---- transactions ----

    @contextmanager
    def writing(self, site: str) -> Iterator[None]:
        """One transaction that holds the lock of its site until its commit is on every standby."""
        with self._in_plain_words():
            connection = self._alive()
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            try:
                connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"compounding {site}",))
                yield
            except BaseException:
                self._roll_back()
                raise
            self._commit(connection)

    def _commit(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._warnings.clear()
        try:
            done = connection.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            self._roll_back()
            raise CommitFails(_problem(self.where, error)) from error
        if done != "COMMIT":
            text = f"The server took back the transaction ({self.where}): nothing was recorded. Run the command again."
            raise EnvironmentFails(Problem("journal.taken-back", text, where=self.where))
        if self._warnings:
            text = f"The server is not sure that a standby has the entry ({self.where}: {'; '.join(self._warnings)})"
            raise CommitFails(Problem("journal.not-replicated", text, where=self.where))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One moment of the database; nobody waits for it."""
        with self._in_plain_words():
            self._alive().execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield
            finally:
                self._roll_back()

    def _roll_back(self) -> None:
        try:
            if not self._connection.closed:
                self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self._connection.close()  # the server rolls back what it hears no more of

    def settled(self, site: str) -> bool:
        """Wait for the site's lock, then for one commit of our own: all before it is then as durable as that."""
        with self.writing(site):
            self._all("SELECT pg_logical_emit_message(true, 'compounding', 'settled')")
        return True

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, DamagedRow, MemoryError, UnicodeDecodeError) as error:
            raise EnvironmentFails(_problem(self.where, error)) from error

    # ---- questions ----

    def _all(self, statement: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._in_plain_words():
            return self._alive().execute(_marked(statement), values).fetchall()

    def _each(self, statement: str, *values: str | int) -> Iterator[tuple[Any, ...]]:
        with self._connection.cursor(f"rows{next(self._cursors)}") as cursor:
            cursor.itersize = ROWS_AT_A_TIME
            yield from cursor.execute(_marked(statement), values)

    def _put(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if len(rows) == 1:
            self._connection.execute(_marked(statement), rows[0])
        elif rows:
            self._connection.cursor().executemany(_marked(statement), rows)

    # ---- for verification ----

    def altered_parts(self) -> list[str]:
        """The schema against what `create` makes, and rights to change what may only grow."""
        found = {str(part) for (part,) in self._all(_PARTS)}
        return sorted({" ".join(part.split()[:6]) for part in found ^ _EXPECTED_PARTS})

    def damage(self) -> list[str]:
        """Nothing of its own: the server checks its pages as they are read (initdb --data-checksums)."""
        return []


def create(address: str, site: str, writer: str | None = None) -> PostgresqlDatabase:
    """One more site on a server, and the schema if this is the first.

    Args:
        address: of a role that may make a schema, or owns the one that is there.
        site: what the journal is of.
        writer: the role of the bench, which gets the rights to read and to add, at this site.

    Raises:
        Refused: the site has a journal there already, and no writer is named who shall get the rights to it.
        EnvironmentFails: the server cannot be reached, or refuses.
    """
    database = PostgresqlDatabase(address)
    try:
        _check_server(database)
        with database.writing("schema"):
            if not _format(database):
                for statement in _SCHEMA:
                    database._put(statement, [()])
            _check_format(database)
            known = database.site_known(site)
            if known and writer is None:
                text = f"{database.where} holds a journal of {site} already: it was left as it is. Use it."
                raise Refused(Problem("journal.exists", text, where=database.where))
            if not known:
                database._put("INSERT INTO sites(site) VALUES (?)", [(site,)])
            if writer is not None:
                _grant(database, writer, site)
    except BaseException:
        database.close()
        raise
    return database


def open_address(address: str) -> PostgresqlDatabase:
    """Open a database that holds journals.

    Raises:
        EnvironmentFails: there is none, or the server is too old, or it does not write durably.
    """
    database = PostgresqlDatabase(address)
    try:
        _check_server(database)
        _check_format(database)
    except BaseException:
        database.close()
        raise
    return database


def _grant(database: PostgresqlDatabase, writer: str, site: str) -> None:
    if not database._all("SELECT 1 FROM pg_roles WHERE rolname = ?", writer):
        text = (
            f"There is no role {writer} on {database.where}: nothing was made."
            f" Make it first, as in CREATE ROLE {writer} LOGIN, and give it a password there."
        )
        raise Refused(Problem("journal.no-role", text, where=writer))
    for statement in _RIGHTS:
        database._connection.execute(sql.SQL(statement).format(sql.Identifier(writer)))
    # A name of the server has 63 bytes, those of a role and a site together may have more.
    names: dict[str, sql.Composable] = {"name": sql.Identifier(sha256(f"{writer} {site}".encode()).hexdigest()[:32])}
    names |= {"writer": sql.Identifier(writer), "site": sql.Literal(site)}
    for table, sees in _OF_SITES.items():
        for statement in (
            f"DROP POLICY IF EXISTS {{name}} ON {table}",
            f"CREATE POLICY {{name}} ON {table} TO {{writer}} USING ({sees}) WITH CHECK (site = {{site}})",
        ):
            database._connection.execute(sql.SQL(statement).format(**names))


def _format(database: PostgresqlDatabase) -> str | None:
    """What the schema says of itself; None if there is no schema."""
    found = database._all("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'compounding'")
    return str(found[0][0]) if found else None


def _check_format(database: PostgresqlDatabase) -> None:
    found = _format(database)
    if found is None:
        text = f"No journal at {database.where}: run `compounding journal init` to begin one, or correct the settings."
        raise EnvironmentFails(Problem("journal.missing", text, where=database.where))
    if not found.startswith("compounding journal, format "):
        text = f"The schema compounding of {database.where} is not of this tool: give another database in the settings."
        raise EnvironmentFails(Problem("journal.foreign", text, where=database.where))
    if found != f"compounding journal, format {FORMAT}":
        text = (
            f"{database.where} holds a {found}, this program knows format {FORMAT}: nothing was changed."
            " Use the version of the program that wrote it, or a newer one."
        )
        raise EnvironmentFails(Problem("journal.format", text, where=database.where))


def _check_server(database: PostgresqlDatabase) -> None:
    names = ("server_version_num", "server_version", "server_encoding", "fsync", "full_page_writes")
    asked = ", ".join(f"current_setting('{name}')" for name in names)
    number, version, encoding, fsync, pages = database._all(f"SELECT {asked}")[0]
    wrong = []
    if int(number) < OLDEST_SERVER:
        wrong.append(Problem("journal.server-too-old", f"The server is PostgreSQL {version}; 15 or later is needed"))
    if encoding != "UTF8":
        wrong.append(Problem("journal.encoding", f"The database is in {encoding}: make one with ENCODING 'UTF8'"))
    if (fsync, pages) != ("on", "on"):
        text = f"The server would forget entries when its power fails (fsync {fsync}, full_page_writes {pages}): set both on"
        wrong.append(Problem("journal.not-durable", text, where=database.where))
    if wrong:
        raise EnvironmentFails(wrong)


def _complete(address: str) -> str:
    """The address with the defaults; a password in it is refused, for settings are no place for one."""
    try:
        given = conninfo.conninfo_to_dict(address)
    except psycopg.Error as error:
        text = f"The address of the journal cannot be read ({_one_line(error)}): write postgresql://host/database"
        raise NotUnderstood(Problem("journal.address", text, where="journal")) from None
    if "password" in given:
        text = (
            "The address of the journal holds a password, and others read settings: take it out, and put it into"
            " ~/.pgpass (mode 0600) or use a client certificate."
        )
        raise NotUnderstood(Problem("journal.password-in-address", text, where="journal"))
    return conninfo.make_conninfo(address, **{key: value for key, value in _DEFAULTS.items() if key not in given})


def _named(address: str) -> str:
    parts = conninfo.conninfo_to_dict(address)
    return f"postgresql://{parts.get('host') or ''}/{parts.get('dbname') or ''}"


def _marked(statement: str) -> Any:
    """The statement with the marks that psycopg knows; no statement of ours has a ? or a % in its text."""
    return statement.replace("?", "%s")


# A refused connection comes without a state: the server's own words, in the message, say why.
_UNREACHABLE = (
    "unreachable",
    "There is no connection to the server",
    "Check address, server, network, database, role and password, and run the command again.",
)
# SQLSTATE, or its class: code of the problem, what happened, what to do.
_MEANINGS = {
    "08": _UNREACHABLE,
    "57": _UNREACHABLE,
    "53100": ("full", "The disk of the server is full", "Free some space there and run the command again."),
    "53": ("busy", "The server has no room for one more", "Run the command again in a moment."),
    "0A000": ("read-only", "The server takes no entries, it is a standby", "Give the address of the primary."),
    "25006": ("read-only", "The server takes no entries, it is a standby", "Give the address of the primary."),
    "42P01": (
        "missing",
        "The tables of the journal are not there",
        "Run `compounding journal init`, or restore the journal.",
    ),
    "42501": (
        "no-right",
        "This role may not do that",
        "Let `compounding journal init --writer ROLE` give it the rights.",
    ),
    "55P03": (
        "busy",
        f"Another program has held the journal for {BUSY_SECONDS} seconds",
        "Close that program and run the command again.",
    ),
    "57014": ("cancelled", "Somebody cancelled the question", "Run the command again."),
    "58": ("disk-error", "The server reports an error of its disk", "Check it, then run `compounding journal verify`."),
    "23": ("not-appended", "The server took no such row", "Run `compounding journal verify`."),
    "XX": ("damaged", "The database is damaged", "Keep it as it is and go on with the newest backup that verifies."),
    "40": ("busy", "Two writers stood in each other's way", "Run the command again."),
}
_OTHERWISE = (
    "server-error",
    "The server reports an error",
    "Run `compounding journal verify`, then the command again.",
)


def _problem(where: str, error: Exception) -> Problem:
    """One sentence each: what happened, that nothing was recorded, what to do."""
    state = getattr(error, "sqlstate", None) or ("08" if isinstance(error, psycopg.OperationalError) else "XX")
    name, happened, advice = _MEANINGS.get(state) or _MEANINGS.get(state[:2]) or _OTHERWISE
    return Problem(
        f"journal.{name}", f"{happened} ({where}: {_one_line(error)}): nothing was recorded. {advice}", where
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
