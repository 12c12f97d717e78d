-- What compose.yaml's Postgres starts with: a database for each service.
CREATE DATABASE shop;
CREATE DATABASE payments;
