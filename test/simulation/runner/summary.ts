// What a run of many seeds came to: failures, and how often each fault and branch fired.
import { FAULTS, type FaultName } from '../kernel/faults.ts';
import type { SeedResult } from '../run-seed.ts';
import { BRANCHES } from './branches.ts';

export class Summary {
  readonly failed: SeedResult[] = [];
  readonly #faults = new Map<string, number>();
  readonly #branches = new Map<string, number>();
  seeds = 0;
  #sends = 0;
  #changes = 0;
  #virtual_ms = 0;

  add(result: SeedResult): void {
    this.seeds++;
    this.#sends += result.sends;
    this.#changes += result.changes;
    this.#virtual_ms += result.virtual_ms;
    addAll(this.#faults, result.faults);
    addAll(this.#branches, result.branches);
    if (result.violationCount > 0) this.failed.push(result);
  }

  /** Faults and branches that never fired. */
  silent(): string[] {
    return [...this.#faults, ...this.#branches].filter(([, count]) => count === 0).map(([name]) => name);
  }

  table(): string {
    const lines = [
      `${this.seeds} seeds, ${this.#sends} sends, ${this.#changes} membership changes, ` +
        `${Math.round(this.#virtual_ms / 60_000)} minutes of virtual time`,
      'faults',
      ...[...this.#faults].map(([name, count]) => row(name, count, FAULTS[name as FaultName])),
      'branches',
      ...[...this.#branches].map(([name, count]) => row(name, count, BRANCHES[name] ?? '')),
    ];
    return lines.join('\n');
  }
}

function row(name: string, count: number, text: string): string {
  return `  ${String(count).padStart(9)}  ${name.padEnd(24)} ${text}`.trimEnd();
}

function addAll(sums: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count);
}

/** One failed seed, for people. */
export function describeFailure(result: SeedResult): string {
  const more = result.violationCount > result.violations.length ? [`… ${result.violationCount} in all`] : [];
  return [
    ...result.violations.slice(0, 5).map((sentence) => `seed ${result.seed}: ${sentence}`),
    ...more,
    `  again: npm run simulate -- --seeds 1 --from ${result.seed} --trace`,
  ].join('\n');
}
