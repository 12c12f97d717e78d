# Places the order NAME by the place of docs/outbox.md, and NAME-refused, which the database refuses at its COMMIT.
import sys

import psycopg

from orders import place

url, name = sys.argv[1:]
with psycopg.connect(url) as conn:
    place(conn, name, 12.5)
    try:
        place(conn, name + "-refused", 12.5)
    except psycopg.errors.RaiseException as err:
        assert "refused at the end" in str(err), err
    else:
        sys.exit("the refused order was placed")
