import assert from 'node:assert/strict';
import { type Mock, mock, test } from 'node:test';
import { BRANCHES } from '../../simulation/runner/branches.ts';
import { simulate } from '../../simulation/runner/command-line.ts';
import { Summary } from '../../simulation/runner/summary.ts';

async function said(stream: NodeJS.WriteStream, args: readonly string[]): Promise<[number, string]> {
  const write: Mock<(text: string) => boolean> = mock.method(stream, 'write', () => true);
  try {
    const code = await simulate(args);
    return [code, write.mock.calls.map(({ arguments: [text] }) => text).join('')];
  } finally {
    write.mock.restore();
  }
}

test('wrong arguments are one line and exit code 2', async () => {
  for (const args of [['--colour'], ['--seeds', 'x'], ['--seeds'], ['seven'], ['--mutants', 'no-such-mutant']]) {
    const [code, text] = await said(process.stderr, args);
    assert.equal(code, 2);
    assert.match(text, /^simulate: [^\n]+\. See npm run simulate -- --help\.\n$/);
  }
});

test('--help tells the usage', async () => {
  const [code, text] = await said(process.stdout, ['--help']);
  assert.equal(code, 0);
  assert.match(text, /^Usage: npm run simulate/);
});

test('the report says what each branch means', () => {
  const summary = new Summary();
  const branches = Object.fromEntries(Object.keys(BRANCHES).map((name) => [name, 1]));
  const totals = { sends: 0, changes: 0, virtual_ms: 0, steps: 0, hash: '', trace: null, faults: {} };
  summary.add({ seed: 1, violations: [], violationCount: 0, branches, ...totals } as never);
  for (const meaning of Object.values(BRANCHES)) assert.ok(summary.table().includes(meaning), meaning);
});
