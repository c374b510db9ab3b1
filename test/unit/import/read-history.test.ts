import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BadInput } from '../../../services/commands/import/bad-input.ts';
import { readHistory } from '../../../services/commands/import/read-history.ts';
import { jsonOf } from './rooms.ts';

const folder = mkdtempSync(join(tmpdir(), 'fanlog-history-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(content: string | Uint8Array): string {
  const path = join(folder, 'history');
  writeFileSync(path, content);
  return path;
}

const refuses = (content: string | Uint8Array, pattern: RegExp) => {
  return assert.rejects(readHistory(fileOf(content), 1), (error) => {
    assert.ok(error instanceof BadInput);
    assert.match(error.message, pattern);
    return true;
  });
};

describe('a history file', () => {
  const lines = [
    jsonOf(['message', 'ann', 'a\u2028b'], 'first'),
    jsonOf(['join', 'bob'], 'second'),
    jsonOf(['message', 'bob', ''], 'third'),
    jsonOf(['rename', 'ann', 'anna'], 'first'),
  ];

  test('gives the first rooms in file order, each with all of its lines', async () => {
    const rooms = await readHistory(fileOf(`${lines.join('\n')}\n`), 2);
    assert.deepEqual(
      rooms.map(({ name, lines }) => [name, lines.map(({ number }) => number)]),
      [
        ['first', [1, 4]],
        ['second', [2]],
      ],
    );
    assert.equal(rooms[0]!.lines[0]!.text, 'a\u2028b');
    assert.equal(rooms[0]!.lines[1]!.renamed, 'anna');
  });

  test('is the same with gzip, and without a newline at its end', async () => {
    const all = Number.POSITIVE_INFINITY;
    const plain = await readHistory(fileOf(lines.join('\n')), all);
    assert.deepEqual(await readHistory(fileOf(gzipSync(`${lines.join('\n')}\n`)), all), plain);
    assert.equal(plain.length, 3);
  });

  test('is refused with the line that is wrong, wherever it is', async () => {
    await refuses(`${lines.join('\n')}\nno json\n`, /line 5: it is not JSON/);
    await refuses('[]', /line 1: it is not a JSON object/);
    const line = (change: object) => JSON.stringify({ ...JSON.parse(lines[0]!), ...change });
    await refuses(line({ ts: 'yesterday' }), /line 1: "ts"/);
    await refuses(line({ room: '' }), /line 1: "room"/);
    await refuses(line({ kind: 'shout' }), /line 1: "kind"/);
    await refuses(line({ from: '' }), /line 1: "from"/);
    await refuses(line({ from: 'x'.repeat(65) }), /line 1: "from"/);
    await refuses(line({ text: null }), /line 1: "text"/);
    await refuses(line({ text: '\ud800' }), /line 1: "text" holds half a surrogate pair/);
    await refuses(line({ kind: 'rename', text: '' }), /line 1: "text" must be a nick/);
  });

  test('that cannot be read is refused with the reason', async () => {
    await assert.rejects(readHistory(join(folder, 'nowhere'), 1), /nowhere cannot be read: there is no such file/);
    await assert.rejects(readHistory(folder, 1), /it is a folder/);
    await refuses('', /holds no lines/);
    await refuses(gzipSync(lines.join('\n')).subarray(0, 40), /damaged gzip/);
    await refuses(Uint8Array.of(0x22, 0xff, 0x22), /it is not UTF-8/);
  });
});
