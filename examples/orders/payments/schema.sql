-- The payment service's database; the table of pkg/inbox comes beside it.
CREATE TABLE accounts (
	customer text   PRIMARY KEY,
	cents    bigint NOT NULL DEFAULT 0 -- what has been taken from the customer
);

-- No key forbids a second payment of an order: that there is none is the inbox's work.
CREATE TABLE payments (
	order_id bigint NOT NULL,
	customer text   NOT NULL,
	cents    bigint NOT NULL -- below 0: given back
);

-- The read model: what a customer may ask for, as the events tell it.
CREATE TABLE order_list (
	id       bigint PRIMARY KEY,
	customer text   NOT NULL,
	cents    bigint NOT NULL,
	state    text   NOT NULL
);
