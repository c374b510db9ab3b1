// The stages a process can run. Any set of them in one process, any number of processes of each.

export const ROLES = ['api', 'edge', 'fanout', 'inbox'] as const;
export type Role = (typeof ROLES)[number];

/** `all`, or names separated by commas. */
export function parseRoles(text: string): ReadonlySet<Role> | { readonly wrong: string } {
  if (text === 'all') return new Set(ROLES);
  const names = text.split(',').map((name) => name.trim());
  const stranger = names.find((name) => !(ROLES as readonly string[]).includes(name));
  if (stranger === undefined) return new Set(names as Role[]);
  const known = `${ROLES.slice(0, -1).join(', ')} and ${ROLES.at(-1)}`;
  return { wrong: `--role ${text}: ${JSON.stringify(stranger)} is no role. Use some of ${known}, or all.` };
}

/** As it is written: `all`, or the names in the order of the alphabet. */
export function roleText(roles: ReadonlySet<Role>): string {
  return roles.size === ROLES.length ? 'all' : [...roles].sort().join(',');
}
