import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { onTestFinished } from 'vitest';
import { keysFile, mint, Server } from '../../server/kit/serve.ts';
import { type ForgedBatch, forge } from './batch.ts';

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Someone on the network, at an address of this machine's own. */
export class Caller {
  readonly #url: string;
  readonly #key: string | undefined;
  readonly #address: string;
  readonly #agent: Agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(server: Server, key?: string, address = '127.0.0.1') {
    this.#url = server.url;
    this.#key = key;
    this.#address = address;
    onTestFinished(() => this.#agent.destroy());
  }

  /** Sends a request, and reads the whole answer. */
  ask(method: string, path: string, body?: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
    const authorization = this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` };
    return new Promise((resolve, reject) => {
      const sent = request(
        this.#url + path,
        { method, headers: { ...authorization, ...headers }, agent: this.#agent, localAddress: this.#address },
        (response) => resolve(answered(response)),
      );
      sent.once('error', reject);
      sent.end(body);
    });
  }

  post(batch: ForgedBatch): Promise<Answer> {
    return this.postBytes(forge(batch));
  }

  postBytes(batch: Uint8Array): Promise<Answer> {
    return this.ask('POST', '/metrics', batch, { 'content-type': 'application/vnd.flcm.batch' });
  }

  /** A command of an operator. */
  command(flag: string, command: string): Promise<Answer> {
    return this.ask('POST', `/flags/${flag}/${command}`, '{"reason": "a test"}', {
      'content-type': 'application/json',
    });
  }
}

async function answered(response: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() };
}

/** A server with one key of each role, and those who hold them. */
export interface Attacked {
  readonly server: Server;
  readonly operator: Caller;
  /** A service of the owner's. */
  readonly service: Caller;
  readonly adminKey: string;
  readonly serviceKey: string;
  /** What anyone can read in a page. */
  readonly pageKey: string;
  /** Anyone who has read it, from an address of their own. */
  stranger(address?: string): Caller;
}

/** How a server under attack is started. */
export interface AttackedOptions {
  readonly args?: readonly string[];
  /** Requests a second that a page's key allows. */
  readonly limits?: { readonly client: number };
}

export async function attacked(document: string, { args: more = [], limits }: AttackedOptions = {}): Promise<Attacked> {
  const [admin, service, page] = [mint('ops', 'admin'), mint('shop', 'server'), mint('page', 'client')];
  const ofPage = { ...page.line, ...(limits && { limit: limits.client }) };
  const args = ['--keys', keysFile([admin.line, service.line, ofPage]), ...more];
  const server = await Server.start(document, { args, key: admin.key });
  return {
    server,
    operator: new Caller(server, admin.key),
    service: new Caller(server, service.key),
    adminKey: admin.key,
    serviceKey: service.key,
    pageKey: page.key,
    stranger: (address) => new Caller(server, page.key, address),
  };
}

/** The number of a host that nobody has seen. */
export function madeUp(): bigint {
  return randomBytes(8).readBigUInt64LE();
}

/** Does something every so often, a bounded number of times; the returned function ends it. */
export function repeat(times: number, everyMs: number, act: (round: number) => Promise<unknown>): () => Promise<void> {
  let ended = false;
  const rounds = (async () => {
    for (let round = 0; round < times && !ended; round++) {
      await act(round).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  const end = async (): Promise<void> => {
    ended = true;
    await rounds;
  };
  onTestFinished(end);
  return end;
}

/** The largest memory that a process has had in RAM, in MB. */
export function peakMemory(server: Server): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** Prints what an attack has come to, and how much memory it cost the server. */
export function report(server: Server, text: string): void {
  console.log(`${text}; ${peakMemory(server).toFixed(0)} MB at most`);
}
