'use strict';

const EVERY = 2000; // milliseconds between two looks
const HOUR = 3600;  // seconds that the plots show at most
const LEAST = 300;  // and at least

const STATES = {
  connecting: ['bad', 'Connecting', 'There is no connection to Postgres; nothing is lost, the slot keeps the events.'],
  verifying: ['warn', 'Verifying', 'Looking at server, slot and publication.'],
  streaming: ['ok', 'Streaming', 'Events flow from Postgres to Kafka.'],
  throttled: ['warn', 'Throttled', 'Kafka takes less than Postgres gives: reading pauses until it acknowledges.'],
  kafka_unavailable: ['bad', 'Kafka unavailable', 'Kafka does not take records; nothing is lost, the slot keeps the events.'],
  hibernating: ['bad', 'Hibernating', 'Kafka has been away for long: disconnected from Postgres until it is back. The slot keeps the events.'],
  waiting_for_standby: ['bad', 'Waiting for a standby', 'Postgres holds events back until a physical standby has them.'],
  standby: ['idle', 'Standing by', 'Another relay streams from the slot; this one takes over when it ends.'],
  stopping: ['warn', 'Stopping', 'Asked to stop: waiting for what was read to be acknowledged.'],
  stopped: ['idle', 'Stopped', 'Ended in order.'],
  halted: ['bad', 'Halted', 'Stopped for good: a person must decide.'],
};

// Which station of the way a condition belongs to.
const STATIONS = {
  postgres_unreachable: 'postgres', prune_failed: 'postgres', retention_passed: 'kafka', rows_not_streamed: 'postgres', waiting_for_standby: 'postgres', slot_at_risk: 'slot', slot_lost: 'slot', halted: 'walpost', fenced: 'walpost',
  standby: 'walpost', throttled: 'walpost', no_progress: 'walpost', kafka_unreachable: 'kafka', kafka_denied: 'kafka', topic_stuck: 'kafka', transaction_open: 'kafka', transactions_aborted: 'kafka', records_rejected: 'kafka',
};
const SEVERITIES = {info: 'idle', warning: 'warn', critical: 'bad'};
const RANK = {ok: 0, idle: 1, warn: 2, bad: 3};

const number = n => Math.round(n).toLocaleString('en');
const words = name => name.replaceAll('_', ' ');

function bytes(n) {
  if (n === null || n === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let i = 0, value = Math.abs(n);
  for (; value >= 1024 && i < units.length - 1; i++) value /= 1024;
  return (n < 0 ? '−' : '') + (i ? value.toFixed(1) : value) + ' ' + units[i];
}

function duration(s) {
  if (s === null || s === undefined) return '–';
  if (s < 1) return s > 0 ? Math.round(s * 1000) + ' ms' : '0 s';
  if (s < 60) return (s < 10 ? s.toFixed(1) : Math.round(s)) + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min ' + Math.round(s % 60) + ' s';
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min';
  return Math.floor(s / 86400) + ' d ' + Math.floor(s % 86400 / 3600) + ' h';
}

// limit is how much WAL the server keeps for a slot at most.
const limit = slot => slot.retained_bytes + Math.max(0, slot.safe_wal_bytes);

// topicName says what the name "other" of the metrics stands for.
const topicName = name => name === 'other' ? '(no valid name, or beyond the first 1,000)' : name;

const perSecond = r => (r < 10 && r > 0 ? r.toFixed(1) : number(r)) + '/s';
const age = t => Math.max(0, (Date.now() - new Date(t)) / 1000);

// set writes a text only when it changes, so that nothing is announced or painted twice.
function set(node, text) { if (node.textContent !== text) node.textContent = text; }

function element(tag, text, css) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (css) e.className = css;
  return e;
}

// withCode makes `walpost …` of a hint a command to copy.
function withCode(parent, text) {
  text.split('`').forEach((part, i) => part && parent.append(i % 2 ? element('code', part) : part));
}

// withoutReason leaves out of a hint what stands above it as the reason.
function withoutReason(hint, reason) {
  return reason && hint.startsWith(reason + '; ') ? hint.slice(reason.length + 2) : hint;
}

class Relay {
  constructor(name) {
    this.root = document.getElementById('relay').content.cloneNode(true).firstElementChild;
    this.find = key => this.root.querySelector('[data-' + key + ']');
    set(this.find('name'), name);
    this.root.setAttribute('aria-label', 'Relay ' + name);
    this.drawn = {};
    this.before = null;
    this.rate = 0;
  }

  // once runs draw only when what it draws has changed.
  once(key, value, draw) {
    const text = JSON.stringify(value);
    if (this.drawn[key] === text) return;
    this.drawn[key] = text;
    draw();
  }

  show(r) {
    const [css, label, sentence] = STATES[r.state] || ['warn', r.state, ''];
    this.find('state').className = 'badge ' + css;
    set(this.find('state'), label);
    set(this.find('since'), r.since ? 'for ' + duration(age(r.since)) : '');
    set(this.find('words'), sentence);
    set(this.find('reason'), r.reason);
    this.todo(r);
    this.measure(r);
    this.way(r, css);
    this.slot(r);
    this.tables(r);
    set(this.find('lasterror'), r.last_error ? 'Last error, ' + duration(age(r.last_error.at)) + ' ago: ' + r.last_error.text : '');
  }

  todo(r) {
    const box = this.find('todo');
    const list = r.conditions.map(c => ({...c, hint: withoutReason(c.hint, r.reason)}));
    if (r.hint && !r.conditions.some(c => c.hint === r.hint)) list.unshift({name: r.state, severity: 'warning', since: r.since, hint: r.hint});
    this.once('todo', list, () => {
      const worst = list.map(c => SEVERITIES[c.severity]).sort((a, b) => RANK[b] - RANK[a])[0];
      box.hidden = list.length === 0;
      box.className = 'todo ' + (worst || '');
      this.find('conditions').replaceChildren(...list.map(c => {
        const li = element('li');
        li.append(element('b', words(c.name)));
        withCode(li, c.hint || '');
        li.append(' ', element('small', ''));
        li.lastChild.dataset.age = c.since || '';
        return li;
      }));
    });
    for (const s of box.querySelectorAll('small')) set(s, s.dataset.age ? '(for ' + duration(age(s.dataset.age)) + ')' : '');
  }

  // measure finds the rate of the last few seconds.
  measure(r) {
    const published = r.topics.reduce((sum, t) => sum + t.published, 0);
    const now = performance.now();
    if (this.before && now > this.before.at) this.rate = Math.max(0, published - this.before.published) * 1000 / (now - this.before.at);
    this.before = {published, at: now};
    this.published = published;
  }

  way(r, css) {
    set(this.find('lagbytes'), bytes(r.lag_bytes));
    set(this.find('retained'), r.slot ? bytes(r.slot.retained_bytes) : '–');
    set(this.find('retainedunit'), r.slot && r.slot.safe_wal_bytes !== null ? 'WAL retained, limit ' + bytes(limit(r.slot)) : 'WAL retained');
    set(this.find('inflight'), r.in_flight ? number(r.in_flight.events) : '–');
    set(this.find('inflightunit'), r.in_flight ? 'in flight, ' + bytes(r.in_flight.bytes) + ', oldest ' + duration(r.oldest_unacked_seconds) : 'in flight');
    set(this.find('rate'), perSecond(this.rate));
    set(this.find('ratenow'), perSecond(this.rate));
    set(this.find('lagnow'), duration(r.lag_seconds));
    set(this.find('total'), number(this.published) + ' published since the start');
    const health = {postgres: ['ok', 'ok'], slot: ['ok', r.slot ? r.slot.wal_status : 'not seen yet'], walpost: [css === 'ok' ? 'ok' : 'idle', words(r.state)], kafka: ['ok', 'ok']};
    if (!r.slot) health.slot[0] = 'idle';
    for (const c of r.conditions) {
      const at = STATIONS[c.name], level = SEVERITIES[c.severity];
      if (at && RANK[level] > RANK[health[at][0]]) health[at] = [level, words(c.name)];
    }
    if (r.state === 'connecting' && health.postgres[0] === 'ok') health.postgres = ['idle', 'connecting'];
    if (r.state === 'halted' && health.kafka[0] === 'ok') health.kafka = ['idle', 'not asked any more'];
    for (const [name, [level, text]] of Object.entries(health)) {
      const li = this.root.querySelector('[data-node=' + name + ']');
      li.className = level;
      set(li.querySelector('.health'), text);
    }
    this.root.classList.toggle('flows', r.state === 'streaming' || r.state === 'throttled');
  }

  slot(r) {
    const s = r.slot, meter = this.find('slotmeter');
    meter.hidden = !s || s.safe_wal_bytes === null;
    if (!s) {
      set(this.find('slotwords'), 'The slot was not seen yet.');
      this.once('slot', null, () => this.find('slot').replaceChildren());
      return;
    }
    if (meter.hidden) {
      set(this.find('slotwords'), s.wal_status === 'lost' ? 'The slot is lost: Postgres has removed WAL that it needed.' :
        'No limit: Postgres keeps WAL for the slot until the disk is full (max_slot_wal_keep_size is -1).');
    } else {
      const most = limit(s), share = most ? s.retained_bytes / most : 1;
      meter.value = share;
      meter.textContent = Math.round(share * 100) + ' %';
      set(this.find('slotwords'), bytes(s.retained_bytes) + ' of ' + bytes(most) + ' retained (' + meter.textContent + '); ' + bytes(Math.max(0, s.safe_wal_bytes)) + ' more may be written before the slot is lost.');
    }
    const rows = [['name', s.name], ['active', s.active ? 'yes' : 'no'], ['wal_status', s.wal_status], ['confirmed', s.confirmed_flush_lsn], ['restart', s.restart_lsn], ['lag', bytes(r.lag_bytes) + ', ' + duration(r.lag_seconds)]];
    this.once('slot', rows, () => this.find('slot').replaceChildren(...rows.flatMap(([k, v]) => [element('dt', k), element('dd', v)])));
  }

  tables(r) {
    const none = v => v === null ? '–' : number(v);
    const rejected = r.rejected.reduce((sum, x) => sum + x.events, 0);
    set(this.find('rejectedwords'), rejected ? number(rejected) + ' since the start; the log names each kind.' : 'None since the start.');
    this.table('rejected', 2, r.rejected.map(x => [topicName(x.topic), words(x.reason), number(x.events)]));
    const topics = [...r.topics].sort((a, b) => b.published - a.published);
    const shown = 20;
    set(this.find('topicwords'), topics.length === 0 ? 'Nothing was written yet.' : topics.length > shown ? 'The ' + shown + ' busiest of ' + topics.length + '.' : '');
    this.table('topics', 1, topics.slice(0, shown).map(t => [topicName(t.topic), number(t.published), bytes(t.bytes), number(t.dead_letters), none(t.under_replicated_partitions), none(t.isr_shrinks)]));
    const t = r.kafka_transactions;
    this.find('transactionsection').hidden = !t;
    if (t) set(this.find('transactions'), number(t.committed) + ' committed and ' + number(t.aborted) + ' aborted since the start; ' + (t.open_seconds > 0 ? 'one is open for ' + duration(t.open_seconds) + '.' : 'none is open.') + ' Transactional id: ' + t.transactional_id);
    this.find('groupsection').hidden = r.consumer_groups.length === 0;
    this.table('groups', 2, r.consumer_groups.map(g => [g.group, g.topic, number(g.records)]));
  }

  // table fills a table; its first columns are text.
  table(key, text, rows) {
    const table = this.find(key);
    this.once(key, rows, () => {
      table.hidden = rows.length === 0;
      table.querySelectorAll('th').forEach((th, i) => th.classList.toggle('text', i < text));
      table.tBodies[0].replaceChildren(...rows.map(row => {
        const tr = element('tr');
        tr.append(...row.map((v, i) => element('td', v, i < text ? 'text' : '')));
        return tr;
      }));
    });
  }

  plots(trace) {
    const last = a => a.length ? a[a.length - 1] : 0;
    this.once('plots', [last(trace.seconds), this.root.clientWidth], () => {
      this.plot('lag', trace.seconds, trace.lag, duration, 'Lag');
      this.plot('rate', trace.seconds, trace.rate, perSecond, 'Throughput');
    });
  }

  plot(key, seconds, values, format, name) {
    const svg = this.root.querySelector('[data-plot=' + key + ']');
    const width = svg.clientWidth || 600;
    svg.setAttribute('viewBox', '0 0 ' + width + ' 152');
    const [left, right, top, bottom] = [1, width - 1, 20, 128];
    const now = seconds[seconds.length - 1] || 0;
    const span = Math.min(HOUR, Math.max(LEAST, now - (seconds[0] || now)));
    const highest = Math.max(...values, 0), scale = highest || 1;
    const x = s => right - (now - s) / span * (right - left);
    const y = v => bottom - v / scale * (bottom - top);
    const points = seconds.map((s, i) => x(s).toFixed(1) + ',' + y(values[i]).toFixed(1));
    const draw = (tag, attributes, text) => {
      const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
      for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
      if (text) e.textContent = text;
      return e;
    };
    const grid = v => draw('line', {x1: left, x2: right, y1: y(v), y2: y(v), class: 'grid'});
    const parts = [grid(0), grid(scale / 2), grid(scale)];
    if (points.length > 1) {
      parts.push(draw('polygon', {points: x(seconds[0]).toFixed(1) + ',' + bottom + ' ' + points.join(' ') + ' ' + right + ',' + bottom, class: 'area'}));
    }
    parts.push(draw('polyline', {points: points.join(' ')}),
      draw('text', {x: left, y: top - 6}, highest ? 'highest ' + format(highest) : ''), draw('text', {x: left, y: 146}, Math.round(span / 60) + ' min ago'), draw('text', {x: right, y: 146, 'text-anchor': 'end'}, 'now'));
    svg.replaceChildren(...parts);
    svg.setAttribute('aria-label', name + ' over the last ' + Math.round(span / 60) + ' minutes: now ' + format(values[values.length - 1] || 0) + ', highest ' + format(highest));
  }
}

const relays = new Map();
let answered = null; // when figures came last

async function get(path) {
  const response = await fetch(path, {cache: 'no-store', signal: AbortSignal.timeout(5000)});
  if (!response.ok) throw new Error(path + ' answered ' + response.status);
  return response.json();
}

function summary(list) {
  const troubled = list.filter(r => (STATES[r.state] || ['warn'])[0] === 'bad' || r.conditions.some(c => c.severity === 'critical'));
  if (troubled.length === 0) return list.length === 1 ? 'Events flow, or are ready to.' : 'All ' + list.length + ' relays are well.';
  return troubled.map(r => r.relay + ': ' + (STATES[r.state] ? STATES[r.state][1] : r.state).toLowerCase()).join('; ');
}

async function look() {
  try {
    const [status, history] = await Promise.all([get('/status'), get('/history')]);
    const list = Array.isArray(status) ? status : [status];
    for (const r of list) {
      if (!relays.has(r.relay)) {
        relays.set(r.relay, new Relay(r.relay));
        document.getElementById('relays').append(relays.get(r.relay).root);
      }
      relays.get(r.relay).show(r);
      if (history[r.relay]) relays.get(r.relay).plots(history[r.relay]);
    }
    const text = summary(list);
    set(document.getElementById('summary'), text);
    document.getElementById('summary').className = list.some(r => r.conditions.some(c => c.severity === 'critical')) ? 'bad' : 'ok';
    document.title = (document.getElementById('summary').className === 'bad' ? '⚠ ' : '') + 'walpost: ' + text;
    set(document.getElementById('version'), list[0].version);
    answered = new Date();
    document.body.classList.remove('stale');
    set(document.getElementById('updated'), 'updated ' + answered.toLocaleTimeString());
  } catch (error) {
    document.body.classList.add('stale');
    document.getElementById('summary').className = 'bad';
    set(document.getElementById('summary'), 'walpost does not answer' + (answered ? ': the figures are of ' + answered.toLocaleTimeString() : ''));
  }
  setTimeout(look, EVERY);
}

look();
