import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { compiler, engine, type Snapshot } from '@flcm/flags-node';

/** The snapshot of a document. */
export function compiled(document: string): Uint8Array {
  const { snapshot, report } = compiler.compile(document);
  if (snapshot == null) throw new Error(report);
  return snapshot;
}

/** What the fleet is told of a flag. */
export interface FleetFlag {
  readonly trip: string;
  readonly generation?: number;
}

/** The header of a batch, behind its magic and version. */
interface Header {
  readonly instance: bigint;
  readonly epoch: bigint;
  readonly sequence: bigint;
  /** Milliseconds since it was counted. */
  readonly age: number;
}

/** What a page sends. */
interface PageCounts {
  readonly instance: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly age: number;
  readonly rows: readonly (readonly [times: number, flag: string, outcome: number, generation?: number])[];
}

/** The answer of a source without events, if that is what is asked for. */
export function noEvents(url: unknown): Response | undefined {
  const headers = { 'content-type': 'text/event-stream' };
  return `${url}`.includes('/flags/stream') ? new Response('', { headers }) : undefined;
}

/** How a request is answered. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A stand-in for the server of flags: a real one on loopback, which can be told to fail. */
export class FlagServer {
  /** All that have not been killed. */
  static readonly running: Set<FlagServer> = new Set();
  /** What `GET /flags` answers in place of the snapshot. */
  answer: Answer | undefined;
  /** What `GET /flags/stream` answers in place of a stream. */
  answerStream: Answer | undefined;
  /** What `POST /metrics` answers in place of taking the batch in. */
  answerMetrics: Answer | undefined;
  /** The header `flcm-signature` of each snapshot, with 304 as well. */
  statements: string | undefined;
  /** Files that are served beside: type and body by path. */
  readonly pages: Map<string, readonly [type: string, body: string | Uint8Array]> = new Map();
  /** What any other path answers in place of 404. */
  answerOther: Answer | undefined;
  /** Requests by path. */
  readonly requests: { path: string; query: string; headers: IncomingMessage['headers'] }[] = [];
  /** Headers of the batches that arrived, those that arrived again included. */
  readonly arrived: Header[] = [];
  readonly streams: Set<ServerResponse> = new Set();
  /**
   * Connections that have carried a request. (Node's fetch makes one of its own accord when a request is aborted, which
   * carries nothing, and closes it after four seconds.)
   */
  readonly used: Set<Socket> = new Set();
  /** Answers that have not ended. */
  readonly open: Set<ServerResponse> = new Set();
  /** Whether a connection may be used again; otherwise none is left when every answer has ended. */
  keepAlive = true;
  readonly sockets: Set<Socket> = new Set();
  /** What was added up. */
  totals: Snapshot | undefined;
  #server: Server = createServer((request, response) => this.#route(request, response));
  #port = 0;
  #snapshot: Uint8Array = new Uint8Array();
  #digest = '';
  #ledger = new Map<string, bigint>();
  #ofPages = new Map<string, number>();
  #fleet: Record<string, FleetFlag> = {};
  #sequence = 0;
  #epoch = 1;

  static async start(document: string): Promise<FlagServer> {
    const server = new FlagServer();
    server.use(compiled(document));
    await server.listen();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get etag(): string {
    return `"${this.#digest}"`;
  }

  /** What is published. */
  get snapshot(): Uint8Array {
    return this.#snapshot;
  }

  /** The marks that requests for flags came with, in their order. */
  get marks(): (string | undefined)[] {
    return this.requests.filter(({ path }) => path === '/flags').map(({ headers }) => headers['if-none-match']);
  }

  /** Whether somebody waits for the head of an answer. */
  get isAsked(): boolean {
    return [...this.open].some((response) => !response.headersSent);
  }

  /** How many decisions of a flag were counted, by pages as well. */
  decisions(flag: string): number {
    const summed = this.totals?.metrics.summary(this.totals.flag(flag))?.decisions ?? 0;
    return summed + (this.#ofPages.get(flag) ?? 0);
  }

  /** How often a path was asked for. */
  count(path: string): number {
    return this.requests.filter((request) => request.path === path).length;
  }

  /** Publishes a document. */
  publish(document: string): void {
    this.use(compiled(document));
  }

  /** Publishes bytes, and announces them. */
  use(snapshot: Uint8Array): void {
    this.#snapshot = snapshot;
    const loaded = engine.load(snapshot);
    this.#digest = loaded.digest;
    loaded.metrics.start();
    if (this.totals) loaded.follow(this.totals, Date.now());
    this.totals?.free();
    this.totals = loaded;
    this.say('snapshot', { digest: this.#digest, revision: Number(loaded.revision) });
  }

  /** Says what the fleet holds back, to everybody. */
  trip(flags: Record<string, FleetFlag>): void {
    this.#fleet = flags;
    this.#sequence++;
    this.say('trips', this.#trips());
  }

  /** Writes an event to every stream. */
  say(event: string, data: unknown): void {
    for (const stream of this.streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Writes a comment to every stream. */
  beat(): void {
    for (const stream of this.streams) stream.write(': beat\n\n');
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    FlagServer.running.add(this);
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  /** Dies in the middle of whatever it does. */
  async kill(): Promise<void> {
    FlagServer.running.delete(this);
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    this.streams.clear();
  }

  /** Comes back at the same address, and counts events anew. */
  async restart(): Promise<void> {
    this.#server = createServer((request, response) => this.#route(request, response));
    this.#epoch++;
    this.#sequence = 0;
    await this.listen();
  }

  #trips(): unknown {
    return { epoch: this.#epoch, sequence: this.#sequence, flags: this.#fleet };
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    response.shouldKeepAlive &&= this.keepAlive;
    if (!this.used.has(request.socket)) request.socket.on('close', () => this.used.delete(request.socket));
    this.used.add(request.socket);
    this.open.add(response);
    response.on('close', () => this.open.delete(response));
    const [path = '', query = ''] = (request.url ?? '').split('?');
    this.requests.push({ path, query, headers: request.headers });
    const page = this.pages.get(path);
    if (page) response.writeHead(200, { 'content-type': page[0] }).end(page[1]);
    else if (path === '/flags') (this.answer ?? this.answerFlags)(request, response);
    else if (path === '/flags/stream') (this.answerStream ?? this.beginStream)(request, response);
    else if (path === '/metrics') (this.answerMetrics ?? this.takeBatch)(request, response);
    else if (this.answerOther) this.answerOther(request, response);
    else response.writeHead(404).end();
  }

  /** Gives what is published. */
  readonly answerFlags: Answer = (request, response) => {
    if (this.statements) response.setHeader('flcm-signature', this.statements);
    if (request.headers['if-none-match'] === this.etag) {
      response.writeHead(304, { etag: this.etag }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/vnd.flcm.snapshot', etag: this.etag }).end(this.#snapshot);
  };

  /** Begins a stream, and says where things stand. Ends it there, if that is asked for. */
  readonly beginStream: Answer = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const isEndless = !request.url?.endsWith('?once=true');
    if (isEndless) {
      this.streams.add(response);
      response.on('close', () => this.streams.delete(response));
    }
    response.write(`event: snapshot\ndata: ${JSON.stringify({ digest: this.#digest })}\n\n`);
    response.write(`event: trips\ndata: ${JSON.stringify(this.#trips())}\n\n`);
    if (!isEndless) response.end();
  };

  /** Adds a batch up, once. */
  readonly takeBatch: Answer = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    const isPage = request.headers['content-type'] === 'application/vnd.flcm.counts+json';
    const add = (batch: Buffer) => (isPage ? this.#addCounts(`${batch}`) : this.#addBatch(batch));
    request.on('end', () => response.writeHead(add(Buffer.concat(parts))).end());
  };

  #addBatch(batch: Buffer): number {
    const header = {
      instance: batch.readBigUInt64LE(10),
      epoch: batch.readBigUInt64LE(18),
      sequence: batch.readBigUInt64LE(26),
      age: batch.readUInt32LE(34),
    };
    return this.#add(header, () => this.totals?.metrics.merge(batch));
  }

  /** What a page has counted, which is no batch as other hosts send it. */
  #addCounts(text: string): number {
    const { instance, epoch, sequence, age, rows } = JSON.parse(text) as PageCounts;
    const header = { instance: BigInt(instance), epoch: BigInt(epoch), sequence: BigInt(sequence), age };
    return this.#add(header, () => {
      const decisions = rows.filter(({ length }) => length === 3);
      for (const [times, flag] of decisions) this.#ofPages.set(flag, times + (this.#ofPages.get(flag) ?? 0));
    });
  }

  #add(header: Header, add: () => void): number {
    this.arrived.push(header);
    const key = `${header.instance}/${header.epoch}`;
    const last = this.#ledger.get(key) ?? 0n;
    if (header.sequence <= last) return 204;
    if (header.sequence > last + 1n) return 409;
    add();
    this.#ledger.set(key, header.sequence);
    return 204;
  }

  /** Forgets whom it has counted. */
  loseCount(): void {
    this.#ledger.clear();
  }
}

/** Waits until something holds; only for what happens on real sockets. */
export async function until(holds: () => boolean, what = 'it'): Promise<void> {
  const start = performance.now();
  while (!holds()) {
    if (performance.now() - start > 60_000) throw new Error(`${what} did not happen within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Gives sockets a few turns, no more, to let something hold. */
export async function soon(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 5 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}
