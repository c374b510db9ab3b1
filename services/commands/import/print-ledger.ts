// The ledger for people, aligned, and for programs, as one line of JSON.
import { type Cost, isClean, type Ledger, type Rejections } from './ledger.ts';

export function ledgerJson(ledger: Ledger, cost: Cost): string {
  return `${JSON.stringify({ ok: isClean(ledger), ...ledger, ...cost })}\n`;
}

export function ledgerTable(ledger: Ledger, cost: Cost): string {
  const { messages, commands, inboxes } = ledger;
  const { reading, importing, verifying } = cost.time_s;
  const escaped = ledger.escapedNicks === 0 ? '' : ` (${number(ledger.escapedNicks)} with escapes in their id)`;
  const rows: (readonly [string, string, string?])[] = [
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
      `${seconds(reading + importing + verifying)} s`,
      `reading ${seconds(reading)}, importing ${seconds(importing)}, verifying ${seconds(verifying)}`,
    ],
    ['CPU', cpuTotal(cost), `server ${cpu(cost.cpu_s.server)}, import ${cpu(cost.cpu_s.import)}`],
  ];
  if (cost.kills > 0) rows.push(['server killed', `${cost.kills} ×`, 'with -9, and started again']);
  const width = Math.max(...rows.map(([, value]) => value.length));
  const lines = rows.map(([name, value, note = '']) => {
    return `${name.padEnd(24)}${value.padStart(width)}   ${note}`.trimEnd();
  });
  const verdict = isClean(ledger)
    ? 'Everybody holds exactly what the file says.'
    : 'The inboxes are NOT what the file says.';
  return `${lines.join('\n')}\n\n${verdict}\n`;
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

function cpuTotal({ cpu_s }: Cost): string {
  return cpu_s.server === null ? 'n/a' : `${seconds(cpu_s.server + cpu_s.import)} s`;
}
