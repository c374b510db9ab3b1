// The ledger for people, aligned, and for programs, as one line of JSON.
import type { ChaosReport, Kill } from './chaos.ts';
import { type Cost, isClean, isOk, type Ledger, type Rejections } from './ledger.ts';

type LedgerRow = readonly [name: string, value: string, note?: string];

export function ledgerJson(ledger: Ledger, cost: Cost): string {
  return `${JSON.stringify({ ok: isOk(ledger, cost), ...ledger, ...cost })}\n`;
}

export function ledgerTable(ledger: Ledger, cost: Cost): string {
  const { messages, commands, inboxes } = ledger;
  const { reading, starting, importing, verifying } = cost.time_s;
  const escaped = ledger.escapedNicks === 0 ? '' : ` (${number(ledger.escapedNicks)} with escapes in their id)`;
  const rows: LedgerRow[] = [
    ['rooms', number(ledger.rooms), `${number(ledger.lines)} lines, ${number(ledger.users)} users${escaped}`],
    ['sent', number(messages.sent), 'messages'],
    ['accepted', number(messages.accepted)],
    ['sequenced', number(messages.sequenced)],
    ['rejected', ...rejections(messages.rejected)],
    ['commands', number(commands.sent), 'groups made, members added and removed'],
    ['  sequenced', number(commands.sequenced)],
    ['  unchanged', number(commands.unchanged), 'joined twice, left twice'],
    ['  rejected', ...rejections(commands.rejected)],
    ['inbox entries expected', number(inboxes.expected), `of ${number(inboxes.members)} members`],
    ['found', number(inboxes.found)],
    ['missing', number(inboxes.missing)],
    ['repeated', number(inboxes.repeated)],
    ['out of order', number(inboxes.outOfOrder)],
    ['unexpected', number(inboxes.unexpected), 'not what the file says'],
    [
      'time',
      `${seconds(reading + starting + importing + verifying)} s`,
      `reading ${seconds(reading)}, starting ${seconds(starting)}, importing ${seconds(importing)}, verifying ${seconds(verifying)}`,
    ],
    ...cpuRows(cost),
    ...(cost.chaos === null ? [] : chaosRows(cost.chaos)),
  ];
  const width = Math.max(...rows.map(([, value]) => value.length));
  const lines = rows.map(([name, value, note = '']) => {
    return `${name.padEnd(24)}${value.padStart(width)}   ${note}`.trimEnd();
  });
  return `${lines.join('\n')}\n\n${verdict(ledger, cost)}\n`;
}

function verdict(ledger: Ledger, { chaos }: Cost): string {
  const found = isClean(ledger)
    ? 'Everybody holds exactly what the file says.'
    : 'The inboxes are NOT what the file says.';
  if (chaos === null || chaos.notKilled.length === 0) return found;
  return `${found}\nThe import was too short for --chaos: ${chaos.notKilled.join(', ')} NOT killed. Take a longer file.`;
}

function cpuRows({ cpu_s }: Cost): LedgerRow[] {
  const processes = Object.entries(cpu_s.processes);
  const own: LedgerRow = ['  import', cpu(cpu_s.import), "everybody's clients"];
  const total = cpu_s.server === null ? 'n/a' : cpu(cpu_s.server + cpu_s.import);
  const rows = processes.map(([name, value]): LedgerRow => [`  ${name}`, cpu(value)]);
  return [['CPU', total, 'while importing and verifying'], ...rows, own];
}

function chaosRows({ kills, notKilled, held_s }: ChaosReport): LedgerRow[] {
  const rows: LedgerRow[] = [['killed with -9', number(kills.length), 'until each, started again, was ready:']];
  for (const kill of kills) rows.push([`  ${kill.process}`, `${seconds(kill.ready_s)} s`, killNote(kill)]);
  if (notKilled.length > 0) rows.push(['not killed', number(notKilled.length), notKilled.join(', ')]);
  if (held_s > 0) rows.push(['held back', `${seconds(held_s)} s`, 'a kill was due, and the one before was not over']);
  return rows;
}

function killNote(kill: Kill): string {
  const { atMessage, delivery_s_max, reconnected, reconnect_attempts_max, reconnect_s_max } = kill;
  const note = `at message ${number(atMessage)}; slowest delivery meanwhile ${delivery_s_max.toFixed(2)} s`;
  if (reconnected === 0) return note;
  const attempts =
    reconnect_attempts_max === 1 ? 'at the first attempt' : `in ${reconnect_attempts_max} attempts at most`;
  return `${note}; ${number(reconnected)} clients connected again ${attempts}, within ${reconnect_s_max.toFixed(2)} s`;
}

function rejections(rejected: Rejections): [string, string] {
  const reasons = Object.entries(rejected);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  return [number(total), reasons.map(([code, count]) => `${code} ${number(count)}`).join(', ')];
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function seconds(value: number): string {
  return value.toFixed(1);
}

function cpu(value: number | null): string {
  return value === null ? 'n/a' : `${seconds(value)} s`;
}
