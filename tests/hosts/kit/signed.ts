import { NOW } from '../../kit/clock.ts';
import type { FlagServer } from '../../kit/server.ts';
import { type Said, Signer } from '../../kit/signing.ts';
import { BEFORE, served, type World, type WorldOptions, world } from './world.ts';

/** Whose pin hosts have. */
export const ours: Signer = new Signer('ours');
/** Who follows. */
export const next: Signer = new Signer('next');
/** Whom nobody trusts. */
export const stranger: Signer = new Signer('stranger');

/** Options of a host that trusts the first one. */
export const PINNED: { trust: string[]; audience: string } = { trust: [ours.pin], audience: 'prod' };
/** A day, in milliseconds. */
export const DAY = 86_400_000;

/** The revision of a document. */
export const revisionOf = (document: string): number => Number(/revision: (\d+)/.exec(document)?.[1] ?? 0);

/** Publishes a document with what a signer says of it. */
export function publish(
  server: FlagServer,
  document: string,
  said: Partial<Said> = {},
  signers: readonly Signer[] = [ours],
): void {
  server.publish(document);
  const usual = { snapshot: server.snapshot, revision: revisionOf(document), issued: NOW, expires: NOW + DAY };
  server.statements = signers.map((signer) => signer.state({ ...usual, ...said })).join(', ');
}

/** A server of signed flags, and a host that trusts the signer. */
export async function signed(options: WorldOptions = {}): Promise<{ server: FlagServer; at: World }> {
  const server = await served();
  publish(server, BEFORE);
  return { server, at: await world({ url: server.url, ...PINNED, ...options }) };
}
