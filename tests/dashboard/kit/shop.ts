/** A shop behind a real server: two services whose users come and go, and a new checkout that can fail. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { NodeHost } from '../../server/kit/hosts.ts';
import type { Server } from '../../server/kit/serve.ts';
import { type Keys, start as serve } from './served.ts';

export const FLAG = 'checkout_v2';

const DOCUMENT = `# Flags of the shop.
cohorts:
  # Colleagues who try everything first.
  beta_testers: { users: [alice, bob, carol] }

flags:
  ${FLAG}:
    description: The new checkout
    owner: payments
    rollout:
      percentage: 10 # agreed with payments
      cohorts: [{ beta_testers: true }]
    error_threshold: { rate: 0.05 }

  express_pay:
    description: Pay with one click, in the new checkout
    owner: payments
    dependencies: [${FLAG}]
    rollout: { percentage: 50 }

  new_search:
    description: Search by the new index
    owner: search
    rollout: { percentage: 50 }
    error_threshold: { rate: 0.05 }
`;

/** Users that a service has every 50 ms. */
const USERS = 10;

export class Shop {
  readonly server: Server;
  readonly keys: Keys;
  readonly hosts: readonly NodeHost[];
  /** Whether the new checkout fails for those who have it. */
  fails = false;
  #isOpen = true;

  private constructor(server: Server, keys: Keys, hosts: readonly NodeHost[]) {
    this.server = server;
    this.keys = keys;
    this.hosts = hosts;
  }

  static async open(): Promise<Shop> {
    const [{ server, keys }, ...hosts] = await Promise.all([
      serve(DOCUMENT),
      NodeHost.start('shop-1'),
      NodeHost.start('shop-2'),
    ]);
    const shop = new Shop(server, keys, hosts);
    await Promise.all(hosts.map((host, at) => shop.#start(host, at + 1)));
    onTestFinished(() => {
      shop.#isOpen = false;
    });
    for (const host of hosts) void shop.#serveUsers(host);
    return shop;
  }

  #start(host: NodeHost, instance: number): Promise<void> {
    const options = { url: this.server.url, key: this.keys.server, instance, flushIntervalMs: 250 };
    return host.call('create', host.name, { ...options, app: { name: 'shop', version: '2.4.1' } });
  }

  async #serveUsers(host: NodeHost): Promise<void> {
    while (this.#isOpen) {
      await host.call('use', FLAG, USERS, this.fails).catch(() => undefined);
      await sleep(50);
    }
  }

  /** How many of forty users have the new checkout, on the first service. */
  async users(): Promise<number> {
    return (await this.hosts[0]?.call('on', FLAG)) ?? 0;
  }

  /** Waits until the server has stored what the services have counted. */
  async isCounted(): Promise<void> {
    const headers = { authorization: `Bearer ${this.keys.viewer}` };
    const points = async () => {
      const answer = await this.server.ask(`/flags/${FLAG}/series?from=0&to=${Date.now()}`, { headers });
      return ((await answer.json()) as { at: number[] }).at.length;
    };
    await expect.poll(points, { timeout: 60_000 }).toBeGreaterThan(0);
  }

  /** Does something; answers how many milliseconds later so many of forty users had the new checkout on both. */
  async after(act: () => Promise<unknown>, users: (users: number) => boolean): Promise<number> {
    const begun = Date.now();
    await act();
    for (;;) {
      const counts = await Promise.all(this.hosts.map((host) => host.call('on', FLAG)));
      if (counts.every(users)) return Date.now() - begun;
      if (Date.now() - begun > 60_000) throw new Error(`${counts} of 40 users have ${FLAG}`);
    }
  }
}
