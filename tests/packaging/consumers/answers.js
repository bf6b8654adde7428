// What every consumer does with an engine: decides the cases of a vector, in the shape of the vector's answers.

/** @param {import('@flcm/flags-web').Engine} engine */
export function answers(engine, bytes, cases) {
  const snapshot = engine.load(bytes);
  return cases.map(({ flag, context: { targetingKey, ...attributes } }) => {
    const { enabled, value, variant, reason, errorCode, rule, arm } = snapshot
      .context(targetingKey, attributes)
      .decision(flag, 0);
    if (snapshot.isEnabled(flag, targetingKey, attributes, 0) !== enabled) throw new Error(`${flag}: two answers`);
    return { enabled, value, variant: variant ?? null, reason, errorCode: errorCode ?? null, rule: rule ?? null, arm };
  });
}
