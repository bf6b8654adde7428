import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './paths.js';

/** The peers in JavaScript: what the adapters export. */
export async function npmPeers() {
  const folder = path.join(ROOT, 'adapters');
  const files = readdirSync(folder).map((file) => path.join(folder, file));
  const modules = await Promise.all(files.map(async (adapter) => ({ adapter, ...(await import(adapter)) })));
  return modules.flatMap(({ adapter, peers }) =>
    peers
      .filter(({ genOnly }) => !genOnly)
      .map((peer) => ({
        ...only(peer),
        adapter,
        config: peer.name,
      })),
  );
}

/** The peers in Rust: each has a program, and its configuration from an adapter. */
export function rustPeers(programs) {
  const peers = JSON.parse(readFileSync(path.join(ROOT, 'rust/peers.json'), 'utf8'));
  return peers.map((peer) => ({
    ...only(peer),
    rust: true,
    adapter: path.join(ROOT, 'adapters', peer.adapter),
    config: peer.config,
    program: path.join(programs, peer.program),
  }));
}

/** What the run needs to know of a peer. */
const only = ({ name, ours, base, noBoot, onlyBoot, evaluates }) => ({ name, ours, base, noBoot, onlyBoot, evaluates });
