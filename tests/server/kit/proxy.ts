import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ROOT } from './serve.ts';

const PAGE = join(ROOT, 'docs/how-to/behind-a-proxy.md');

/** The configuration that the guide shows, in a block of this language. */
function shown(language: string): string {
  const block = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(readFileSync(PAGE, 'utf8'))?.[1];
  if (block === undefined) throw new Error(`the guide has no block of the language ${language}`);
  return block;
}

/** Replaces a text that must be there. */
function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`the configuration of the guide has no \`${from}\``);
  return text.replaceAll(from, to);
}

/** A text of the configuration and what a test puts in its place. */
export type Change = readonly [from: string, to: string];

/** How a proxy is started in a folder that has `cert.pem` and `key.pem`. */
type Start = (folder: string, upstream: string, port: number, changes: readonly Change[]) => ChildProcess;

const nginx: Start = (folder, upstream, port, changes) => {
  const all: Change[] = [
    ['127.0.0.1:8787', upstream],
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['/etc/ssl/flags.example.com.pem', `${folder}/cert.pem`],
    ['/etc/ssl/flags.example.com.key', `${folder}/key.pem`],
    ...changes,
  ];
  const server = all.reduce((text, [from, to]) => replaced(text, from, to), shown('nginx'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = `
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    daemon off;
    pid ${folder}/pid;
    error_log stderr error;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
      ${server}
    }`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  return spawn('nginx', ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')], { env, stdio: 'inherit' });
};

const caddy: Start = (folder, upstream, port, changes) => {
  const all: Change[] = [
    ['127.0.0.1:8787', upstream],
    ['flags.example.com {', `https://localhost:${port} {\ntls ${folder}/cert.pem ${folder}/key.pem`],
    ...changes,
  ];
  const site = all.reduce((text, [from, to]) => replaced(text, from, to), shown('caddyfile'));
  const options = '{\nadmin off\nauto_https disable_redirects\nlog {\nlevel ERROR\n}\n}\n';
  writeFileSync(join(folder, 'Caddyfile'), options + site);
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const args = ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')];
  return spawn('caddy', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
};

const PROXIES: { readonly nginx: Start; readonly caddy: Start } = { nginx, caddy };

/** A proxy of Debian in front of a server, with the configuration that the guide shows. Ends with the test. */
export class ReverseProxy {
  readonly url: string;
  /** The certificate of the proxy, which signs itself. */
  readonly certificate: string;

  private constructor(port: number, certificate: string) {
    this.url = `https://localhost:${port}`;
    this.certificate = certificate;
  }

  static async start(
    name: keyof typeof PROXIES,
    upstream: string,
    changes: readonly Change[] = [],
  ): Promise<ReverseProxy> {
    const folder = mkdtempSync(join(tmpdir(), `flcm-${name}-`));
    certify(folder);
    const port = await freePort();
    const child = PROXIES[name](folder, new URL(upstream).host, port, changes);
    onTestFinished(() => end(child, folder));
    await listens(child, port);
    return new ReverseProxy(port, join(folder, 'cert.pem'));
  }

  /** Asks for a path; answers as soon as the head of the response is there. */
  ask(path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    return new Promise((answered, failed) => {
      const ca = readFileSync(this.certificate);
      const asked = request(this.url + path, { agent: false, ca, ...options }, answered);
      asked.once('error', failed);
      asked.end();
      onTestFinished(() => void asked.destroy());
    });
  }
}

function certify(folder: string): void {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', [...args, ...files, ...names], { stdio: 'pipe' });
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  // Workers of nginx end with their master only if it is asked.
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  rmSync(folder, { recursive: true, force: true });
}

/** A port that nobody listens to. */
export function freePort(): Promise<number> {
  return new Promise((found) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => found(port));
    });
  });
}

/** Waits until a program accepts connections. */
async function listens(child: ChildProcess, port: number): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the proxy has ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const is = await new Promise<boolean>((done) => {
      socket.once('connect', () => done(true));
      socket.once('error', () => done(false));
    });
    socket.destroy();
    if (is) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
