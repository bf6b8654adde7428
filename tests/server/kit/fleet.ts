import { expect } from 'vitest';
import type { Agent } from './agent.ts';
import { added } from './figures.ts';
import { type Host, NodeHost, type PageHost, type Pages } from './hosts.ts';
import { type ServeOptions, Server } from './serve.ts';

type Options = Parameters<Agent['create']>[1];

/** How a fleet is made. */
export interface FleetOptions extends ServeOptions {
  /** Of all hosts. */
  readonly options?: Partial<Options>;
  /** Puts something between the server and the second process; answers where that is to ask. */
  readonly between?: (url: string) => Promise<string>;
  /** See `Agent.create`. */
  readonly hurried?: boolean;
}

/** A server and three hosts: two processes of Node, and a page of another origin. */
export class Fleet {
  readonly server: Server;
  readonly first: Host;
  readonly second: Host;
  readonly page: PageHost;

  constructor(server: Server, first: Host, second: Host, page: PageHost) {
    this.server = server;
    this.first = first;
    this.second = second;
    this.page = page;
  }

  static async start(document: string, pages: Pages, options: FleetOptions = {}): Promise<Fleet> {
    const [server, first, second, page] = await Promise.all([
      Server.start(document, options),
      NodeHost.start('first'),
      NodeHost.start('second'),
      pages.open('page'),
    ]);
    const { hurried, between = async (url) => url } = options;
    const of = { url: server.url, ...options.options };
    const url = await between(server.url);
    await Promise.all([
      first.call('create', 'first', { ...of, instance: 1 }, hurried),
      second.call('create', 'second', { ...of, url, instance: 2 }, hurried),
      page.call('create', 'page', { ...of, instance: 3 }, hurried),
    ]);
    return new Fleet(server, first, second, page);
  }

  get hosts(): readonly Host[] {
    return [this.first, this.second, this.page];
  }

  /** Calls something on every host. */
  all<M extends keyof Agent>(method: M, ...args: Parameters<Agent[M]>): Promise<Awaited<ReturnType<Agent[M]>>[]> {
    return Promise.all(this.hosts.map((host) => host.call(method, ...args)));
  }

  /** Does something after which a flag is on for so many of forty users; answers after how many milliseconds that was so on the last host. */
  async reach(what: string, flag: string, count: number, act: () => unknown): Promise<number> {
    const reached = this.all('reaches', flag, count);
    const start = Date.now();
    const [times] = await Promise.all([reached, act()]);
    return this.say(what, start, times);
  }

  /** Prints when something was so on each host; answers when on the last. */
  say(what: string, start: number, times: readonly number[]): number {
    const took = times.map((time) => time - start);
    console.log(`${what}: ${this.hosts.map(({ name }, host) => `${name} ${took[host]} ms`).join(', ')}`);
    return Math.max(...took);
  }

  /** Sends what hosts have counted, and sees that the server comes to have exactly that of a flag. */
  async agrees(flag: string): Promise<Record<string, number>> {
    const expected = added(flag, await this.all('summary', flag));
    const counted = async (): Promise<Record<string, number>> => {
      await this.all('flush');
      return (await this.server.figures()).counted(flag);
    };
    await expect.poll(counted, { timeout: 60_000 }).toEqual(expected);
    return expected;
  }
}
