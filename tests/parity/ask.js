// Documents and questions, as vectors and generated cases have them.

/** Bit of an outcome that says whether the feature is on. */
const ENABLED = 1 << 24;

export const isOn = (outcome) => (outcome & ENABLED) !== 0;

/** Compiles what must compile. */
export function compile({ compiler }, text, name) {
  const { snapshot, report } = compiler.compile(text);
  if (snapshot === undefined) throw new Error(`${name}: the document is refused:\n${report}\n${text}`);
  return snapshot;
}

/** Lends a loaded snapshot. */
export function withSnapshot({ engine }, bytes, use) {
  const snapshot = engine.load(bytes);
  try {
    return use(snapshot);
  } finally {
    snapshot.free();
  }
}

/** The targeting key and the attributes of a flat context. */
export function split({ targetingKey, ...attributes } = {}) {
  return { targetingKey, attributes };
}

/** Sets the trips that are named, clears all others, and answers their bytes. */
export function trip(snapshot, states) {
  for (let flag = 0; flag < snapshot.flagCount; flag += 1) {
    const state = states[snapshot.flagKey(flag)] ?? 'clear';
    snapshot.setTrip(flag, state);
    if (snapshot.trip(flag) !== state) throw new Error(`flag ${flag} is to be \`${state}\``);
  }
  return snapshot.trips();
}

/** A decision or an explanation as vectors have it. */
export function answer({ enabled, value = null, variant = null, reason, errorCode = null, rule = null, arm }) {
  return { enabled, value, variant, reason, errorCode, rule, arm };
}
