-- What docker-compose.yml's Postgres starts with, as superuser in database shop:
-- a service that owns its tables, and a relay that may read the publication and
-- nothing else. The passwords are the example's; so is the missing TLS.
CREATE ROLE shop LOGIN PASSWORD 'shop';
CREATE ROLE walpost LOGIN REPLICATION NOINHERIT CONNECTION LIMIT 8 PASSWORD 'walpost';

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    total numeric(10, 2) NOT NULL
);
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload jsonb
);
ALTER TABLE orders OWNER TO shop;
ALTER TABLE outbox OWNER TO shop;

CREATE PUBLICATION walpost_shop FOR TABLE outbox WITH (publish = 'insert', publish_via_partition_root = true);
