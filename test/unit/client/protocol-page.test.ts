// Holds services/protocol/README.md to the code: whoever writes a client reads only that page.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { foldConstants } from '../../../services/events/fold-constants.ts';
import { isCommandId, timeOfCommandId, usersOfDirect } from '../../../services/events/ids.ts';
import { type ErrorEntry, errorCatalogue } from '../../../services/kernel/errors.ts';
import { limits } from '../../../services/kernel/limits.ts';
import { SUBPROTOCOL } from '../../../services/protocol/frames.ts';

const page = readFileSync(new URL('../../../services/protocol/README.md', import.meta.url), 'utf8');

test('the page lists every error of the catalogue, with status, close code, retry and text, and no other', () => {
  const rows = page.match(/^\| `[a-z_]+` \| \d{3} \|.*$/gm) ?? [];
  const expected = Object.entries<ErrorEntry>(errorCatalogue).map(([code, { status, close, retry, message }]) => {
    return `| \`${code}\` | ${status} | ${close ?? ''} | ${retry ? 'yes' : 'no'} | ${message} |`;
  });
  assert.deepEqual(rows, expected);
});

test('every close code lies in a range that the page explains', () => {
  for (const [code, { close }] of Object.entries<ErrorEntry>(errorCatalogue)) {
    assert.ok(close === undefined || (close >= 4000 && close <= 4999), code);
  }
  assert.match(page, /4000-4499/);
  assert.match(page, /4500-4999/);
});

test('the limits on the page are the limits in the code', () => {
  const row = (name: string) => page.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? name;
  const holds = (name: string, text: string) => assert.ok(row(name).includes(text), `${row(name)}: ${text}`);
  holds('frame from a client', limits.frame_bytes_max.toLocaleString('en'));
  holds('payload', limits.payload_bytes_max.toLocaleString('en'));
  holds('nesting of JSON', String(limits.json_depth_max));
  holds('frames per second', `${limits.frames_per_second} on average, ${limits.frames_burst} in a burst`);
  holds('hello', `${limits.hello_within_ms / 1000} s`);
  holds('heartbeat', `${limits.heartbeat_ms / 1000} s`);
  holds('page of `sync` and `history`', `${limits.page_entries_max} entries`);
  holds('user, device', `${limits.user_id_bytes_max} bytes`);
  holds('content type', `${limits.content_type_bytes_max} bytes`);
  holds('devices of a user', String(limits.devices_per_user_max));
  holds('members of a group', String(limits.group_members_max));
  holds('id ahead of the server', `${foldConstants.id_ahead_ms_max / 1000} s`);
  holds('id behind the server', `${foldConstants.id_behind_ms_max / 1000} s`);
  holds('outbox', limits.outbox_messages_max.toLocaleString('en'));
});

test('the page names the subprotocol, and every type of frame with an example', () => {
  assert.ok(page.includes(`\`${SUBPROTOCOL}\``));
  const types = ['hello', 'welcome', 'sync', 'entries', 'send', 'accepted', 'outcome', 'history', 'events'];
  for (const type of [...types, 'heartbeat', 'push', 'behind', 'expiring', 'error']) {
    assert.ok(page.includes(`"type": "${type}"`), type);
  }
  for (const kind of ['message', 'created', 'added', 'removed', 'left'])
    assert.ok(page.includes(`| \`${kind}\` |`), kind);
});

test('the ids in the examples are legal, and made at the time of the examples', () => {
  const ids = page.match(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g) ?? [];
  assert.ok(ids.length > 0);
  for (const id of ids) {
    assert.ok(isCommandId(id), id);
    assert.equal(timeOfCommandId(id), 1_700_000_000_000);
  }
  assert.deepEqual(usersOfDirect('d:5:alice3:bob'), ['alice', 'bob']);
});

test('links within the page lead somewhere', () => {
  const anchors = [...page.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title!.toLowerCase().replaceAll(' ', '-'));
  for (const [, anchor] of page.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(anchors.includes(anchor!), anchor);
});
