-- The order service's database. walpost init makes the outbox table beside it.
CREATE TABLE orders (
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer text   NOT NULL,
	cents    bigint NOT NULL,
	state    text   NOT NULL DEFAULT 'placed'
);
