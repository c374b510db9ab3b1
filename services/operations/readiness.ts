// Whether this process does its work, role by role, and if not, why.

/** null: well. Otherwise a sentence for whoever looks at `/readyz`. */
export type WhyNot = () => string | null;

export interface ReadinessReport {
  readonly status: 'ready' | 'not_ready' | 'draining';
  readonly roles: Readonly<Record<string, { readonly ready: boolean; readonly why?: string }>>;
}

export class Readiness {
  /** What each role has to pass; none while it is being started. */
  readonly #checks = new Map<string, readonly WhyNot[]>();
  #draining = false;

  constructor(roles: Iterable<string>) {
    for (const role of roles) this.#checks.set(role, []);
  }

  /** The role is up: it is ready while none of `checks` objects. */
  started(role: string, ...checks: [WhyNot, ...WhyNot[]]): void {
    this.#checks.set(role, checks);
  }

  /** Not ready from now on: balancers send nobody, what is there ends. */
  drain(): void {
    this.#draining = true;
  }

  /** Of one role; null: it is ready. */
  whyNot(role: string): string | null {
    const checks = this.#checks.get(role) ?? [];
    if (this.#draining) return 'it is draining';
    if (checks.length === 0) return 'it is starting';
    for (const check of checks) {
      const why = check();
      if (why !== null) return why;
    }
    return null;
  }

  ready(): boolean {
    return [...this.#checks.keys()].every((role) => this.whyNot(role) === null);
  }

  report(): ReadinessReport {
    const roles: Record<string, { ready: boolean; why?: string }> = {};
    for (const role of this.#checks.keys()) {
      const why = this.whyNot(role);
      roles[role] = why === null ? { ready: true } : { ready: false, why };
    }
    const ready = Object.values(roles).every((role) => role.ready);
    return { status: this.#draining ? 'draining' : ready ? 'ready' : 'not_ready', roles };
  }
}
