// A rival: the same flags decided in plain JavaScript, as a careful team would write it for itself. Its buckets are
// murmur3's, so it puts other users in; it does the same work.

/** Decides a document's flags. */
export class Plain {
  #flags = new Map();
  #cohorts;

  constructor({ flags, cohorts }) {
    this.#cohorts = cohorts;
    for (const [key, flag] of Object.entries(flags)) {
      const conditions = (flag.conditions ?? []).map(compiled);
      this.#flags.set(key, { salt: hash(key, 0), enabled: true, rollout: {}, ...flag, conditions });
    }
  }

  isEnabled(key, user, attributes) {
    const flag = this.#flags.get(key);
    return flag !== undefined && this.#decide(flag, user, attributes);
  }

  #decide(flag, user, attributes) {
    if (!flag.enabled) return false;
    for (const other of flag.dependencies ?? []) if (!this.isEnabled(other, user, attributes)) return false;
    for (const cohort in flag.rollout.cohorts) if (this.#isMember(cohort, attributes)) return true;
    for (const holds of flag.conditions) if (!holds(attributes)) return false;
    const bucket = hash(user, flag.salt);
    if (flag.variants) flag.last = flag.variants[hash(user, ~flag.salt) % flag.variants.length];
    return bucket / 0x1_0000_0000 < (flag.rollout.percentage ?? 100) / 100;
  }

  #isMember(name, attributes) {
    return this.#cohorts[name].when.every(({ attribute, value }) => attributes[attribute] === value);
  }
}

function compiled({ attribute, operator, value }) {
  switch (operator) {
    case '==':
      return (attributes) => attributes[attribute] === value;
    case 'in':
      return (attributes) => value.includes(attributes[attribute]);
    case '>':
      return (attributes) => typeof attributes[attribute] === 'number' && attributes[attribute] > value;
    default:
      throw new Error(`no such operator: ${operator}`);
  }
}

/** Murmur3 of 32 bits, over UTF-16 units of an ASCII text, four at a time. */
function hash(text, seed) {
  let h = seed;
  let i = 0;
  for (; i + 4 <= text.length; i += 4) {
    const low = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 8);
    const word = low | (text.charCodeAt(i + 2) << 16) | (text.charCodeAt(i + 3) << 24);
    h = mixed(h, word);
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let j = text.length - 1; j >= i; j--) rest = (rest << 8) | text.charCodeAt(j);
  h = mixed(h, rest) ^ text.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function mixed(h, word) {
  const k = Math.imul(word, 0xcc9e2d51);
  return h ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}
