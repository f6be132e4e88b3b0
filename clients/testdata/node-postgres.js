// node-postgres against the server that PGHOST and PGPORT name: it fails by an assertion.
const assert = require('assert');
const { Client } = require('pg');

(async () => {
  const c = new Client({ user: 'postgres', database: 'postgres' });
  await c.connect();
  await c.query('create table n (id serial primary key, v text, n numeric, d timestamptz default now(), a int[])');
  for (let i = 0; i < 20; i++) {
    await c.query('insert into n (v, n, a) values ($1, $2, $3)', ['x' + i, i * 1.5, [i, i + 1]]);
  }
  const r = await c.query('select id, v, n, a from n where id > $1 order by id limit 2', [5]);
  assert.deepStrictEqual(r.rows, [{ id: 6, v: 'x5', n: '7.5', a: [5, 6] }, { id: 7, v: 'x6', n: '9', a: [6, 7] }]);
  await assert.rejects(c.query('select 1/0'), e => e.code === '22012' && e.message === 'division by zero');
  await assert.rejects(c.query('selec'), e => e.code === '42601' && e.position === '1');
  await c.query('begin');
  await c.query('delete from n');
  await c.query('rollback');
  assert.strictEqual((await c.query({ name: 'count', text: 'select count(*)::int n from n' })).rows[0].n, 20);
  await c.end();
  console.log('ok');
})().catch(e => { console.error(e); process.exit(1); });
