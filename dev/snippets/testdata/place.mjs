// Places the order NAME by the place of docs/outbox.md, and NAME-refused, which the database refuses at its COMMIT.
import assert from 'node:assert';
import pg from 'pg';

import { place } from './orders.mjs';

const [url, name] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url });
await place(pool, name, 12.5);
await assert.rejects(place(pool, name + '-refused', 12.5), /refused at the end/);
await pool.end();
