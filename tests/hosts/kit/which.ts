/** The hosts that the suite knows. */
const HOSTS = ['typescript', 'rust', 'page'] as const;

/**
 * What the suite runs against: `FLCM_HOST=rust npx vitest run tests/hosts` for the client in Rust, `page` for the
 * small runtime of pages.
 */
export const HOST: (typeof HOSTS)[number] = named(process.env.FLCM_HOST ?? 'typescript');

function named(name: string): (typeof HOSTS)[number] {
  const host = HOSTS.find((host) => host === name);
  if (host === undefined) throw new Error(`\`FLCM_HOST\` is one of ${HOSTS.join(', ')}, not ${name}`);
  return host;
}
