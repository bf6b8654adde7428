/** The hosts that the suite knows. */
const HOSTS = ['typescript', 'rust'] as const;

/** What the suite runs against: `FLCM_HOST=rust npx vitest run tests/hosts` for the client in Rust. */
export const HOST: (typeof HOSTS)[number] = named(process.env.FLCM_HOST ?? 'typescript');

function named(name: string): (typeof HOSTS)[number] {
  const host = HOSTS.find((host) => host === name);
  if (host === undefined) throw new Error(`\`FLCM_HOST\` is ${HOSTS.join(' or ')}, not ${name}`);
  return host;
}
