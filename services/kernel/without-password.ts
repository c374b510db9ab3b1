/** `redis://user:password@host:port` as it may be shown. */
export function withoutPassword(address: string): string {
  return address.replace(/\/\/.*@/, '//');
}
