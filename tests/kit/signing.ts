// Signs statements about snapshots as the format says, by Node's cryptography: a second implementation beside the one
// in Rust.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

/** What a statement says. What is left out is as the signer of a test always has it. */
export interface Said {
  readonly snapshot: Uint8Array | string;
  readonly audience?: string;
  readonly epoch?: number;
  readonly revision?: number;
  readonly issued?: number;
  readonly expires?: number;
  /** Faults: what it says in place of what is so. */
  readonly domain?: string;
  readonly keyId?: Uint8Array;
  readonly length?: number;
}

const sha = (bits: 256 | 512, of: Uint8Array | string): Buffer => createHash(`sha${bits}`).update(of).digest();

function integer(value: number, bytes: 4 | 8): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer.subarray(0, bytes);
}

/** A key whose 32 secret bytes are the SHA-256 of a name: the same on every machine. */
export class Signer {
  readonly #key: KeyObject;
  readonly publicKey: Buffer;

  constructor(name: string) {
    const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
    this.#key = createPrivateKey({ key: Buffer.concat([prefix, sha(256, name)]), format: 'der', type: 'pkcs8' });
    this.publicKey = createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(-32);
  }

  get pin(): string {
    return `ed25519:${this.publicKey.toString('base64url')}`;
  }

  get keyId(): Buffer {
    return sha(256, this.publicKey).subarray(0, 8);
  }

  /** The key as `flcm serve --signing-key` reads it. */
  get pem(): string {
    return `${this.#key.export({ format: 'pem', type: 'pkcs8' })}`;
  }

  /** The text of a statement. */
  state(said: Said): string {
    const { snapshot, audience = 'prod', epoch = 0, revision = 1, issued = 0, expires = 2 ** 53 } = said;
    const bytes = Buffer.from(snapshot);
    const statement = Buffer.concat([
      Buffer.from(said.domain ?? 'flcm-snapshot-v1\0'),
      sha(256, audience),
      said.keyId ?? this.keyId,
      integer(epoch, 4),
      ...[revision, issued, expires, said.length ?? bytes.length].map((value) => integer(value, 8)),
      sha(512, bytes),
    ]);
    return Buffer.concat([statement, sign(null, statement, this.#key)]).toString('base64url');
  }
}
