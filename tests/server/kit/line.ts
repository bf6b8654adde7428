import { once } from 'node:events';
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A line to a server, which loses answers when it is told to: the server has counted a batch then, and the host does not know. */
export class Line {
  /** Whether answers to batches are lost. */
  loses = false;
  /** How many were. */
  lost = 0;
  readonly #server = createServer((request, response) => this.#forward(request, response));
  readonly #to: string;

  constructor(to: string) {
    this.#to = to;
  }

  static async to(url: string): Promise<Line> {
    const line = new Line(url);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    onTestFinished(() => {
      line.#server.closeAllConnections();
      line.#server.close();
    });
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = '/', headers } = request;
    const onward = ask(new URL(url, this.#to), { method, headers }, (answer) => {
      if (this.loses && url.split('?')[0] === '/metrics') {
        this.lost++;
        response.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    // What breaks on one side breaks on the other.
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }
}
