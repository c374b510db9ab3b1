// Which prober proves which role. Edge and api have delivery streams of their own, and each must prove its own; the
// stages of the same process are proved on one of those. A process of stages alone opens a stream for it.

import { CanaryProber, type Collector, lagMetrics, type Owned, type Readiness } from '../operations/index.ts';
import type { RunningStage } from '../ports/log/partition-supervisor.ts';
import type { NodeAddress } from '../ports/sessions/session-registry.ts';
import type { Closing } from './closing.ts';
import type { OpenedPorts, ProcessParts } from './opened-ports.ts';
import type { Role } from './roles.ts';

export interface RoleProofsOptions {
  readonly roles: ReadonlySet<Role>;
  readonly ports: ProcessParts & Pick<OpenedPorts, 'log' | 'delivery'>;
  readonly readiness: Readiness;
  /** Where what is to be scraped is added. */
  readonly collectors: Collector[];
  readonly closing: Closing;
}

type StageRole = 'fanout' | 'inbox';

export class RoleProofs {
  readonly #options: RoleProofsOptions;
  readonly #stages = new Map<StageRole, RunningStage>();
  /** Whose prober proves the stages. */
  readonly #carrier: 'api' | 'edge' | null;

  constructor(options: RoleProofsOptions) {
    this.#options = options;
    this.#carrier = options.roles.has('api') ? 'api' : options.roles.has('edge') ? 'edge' : null;
  }

  /** Before `proberOf`. */
  addStage(role: StageRole, stage: RunningStage): void {
    this.#stages.set(role, stage);
  }

  /** To be given what comes back on the stream of `address`, and to `start` once that is open. */
  proberOf(role: 'api' | 'edge', address: NodeAddress): CanaryProber {
    return this.#newProber(address, true, role === this.#carrier);
  }

  /** The role is up, its stream is open. `whyNot`: its own reason, asked before the canary's. */
  start(role: 'api' | 'edge', prober: CanaryProber, whyNot: () => string | null): void {
    this.#options.readiness.started(role, whyNot, () => prober.whyClientsMustWait());
    this.#run(prober, role === this.#carrier);
  }

  /** After the last role. */
  async startStages(incarnation: string): Promise<void> {
    const { ports, closing, collectors } = this.#options;
    if (this.#stages.size === 0) return;
    const owned = new Map([...this.#stages].map(([role, stage]) => [role, () => stage.partitions()]));
    collectors.push(lagMetrics({ ...ports, owned }));
    if (this.#carrier !== null) return;
    const address = { node: [...this.#stages.keys()].join('+'), incarnation };
    const prober = this.#newProber(address, false, true);
    const reader = await ports.delivery.open(
      address,
      (records) => {
        for (const record of records) if (record.type === 'canary') prober.onCanary(record);
      },
      () => {}, // a lost canary is followed by another
    );
    closing.add(() => reader.close());
    this.#run(prober, true);
  }

  #newProber(address: NodeAddress, forClients: boolean, carries: boolean): CanaryProber {
    return new CanaryProber({ ...this.#options.ports, address, forClients, ...(carries ? this.#owned() : {}) });
  }

  #owned(): Partial<Record<StageRole, Owned>> {
    return Object.fromEntries([...this.#stages].map(([role, stage]) => [role, () => stage.partitions()]));
  }

  #run(prober: CanaryProber, carries: boolean): void {
    const { readiness, collectors, closing } = this.#options;
    if (carries)
      for (const [role, stage] of this.#stages) {
        const whyNot = () => (stage.healthy() ? null : 'a partition is stopped: an operator must look at it');
        readiness.started(role, whyNot, () => prober.whyNotAll(() => stage.partitions()));
      }
    collectors.push(prober.collect);
    closing.add(() => prober.stop());
    prober.start();
  }
}
