"""psycopg2 against the server that PGHOST and PGPORT name: it fails by an assertion."""
import datetime
import decimal
import io

import psycopg2

con = psycopg2.connect(user="postgres", dbname="postgres")
cur = con.cursor()
cur.execute("create table p (id serial primary key, v text, n numeric(10,2), b bytea, a text[], d date)")
day = datetime.date(2024, 2, 29)
cur.executemany(
    "insert into p (v, n, b, a, d) values (%s, %s, %s, %s, %s)",
    [("é%d" % i, decimal.Decimal(i) / 4, bytes([i]), ["a", None, str(i)], day) for i in range(10)],
)
con.commit()
cur.execute("select v, n, b, a, d from p where n > %s order by id", (1,))
rows = cur.fetchall()
assert len(rows) == 5 and rows[0][0] == "é5" and rows[0][1] == decimal.Decimal("1.25"), rows
assert bytes(rows[0][2]) == b"\x05" and rows[0][3] == ["a", None, "5"] and rows[0][4] == day, rows

try:
    cur.execute("select * from nosuch")
    raise AssertionError("no error")
except psycopg2.errors.UndefinedTable:
    con.rollback()

with con.cursor(name="server_side") as big:
    big.execute("select g from generate_series(1, 5000) g")
    assert sum(r[0] for r in big) == 12502500
cur.copy_expert("copy p (v, n) from stdin", io.StringIO("q\t1\nr\t2\n"))
con.commit()
out = io.StringIO()
cur.copy_expert("copy (select count(*) from p) to stdout", out)
assert out.getvalue() == "12\n", out.getvalue()
con.close()
print("ok")
