// A crowd, a flag in two variants, and a document that is written anew with each move of a control.

import { createEngine } from '@flcm/flags-web';
import { createCompiler } from '@flcm/flags-web/compile';

const FLAG = 'checkout_v2';
const at = (id) => document.getElementById(id);
const variants = ['one_page', 'wizard', 'off'];

const [engine, compiler] = await Promise.all([createEngine(), createCompiler()]);
let snapshot;

/** The document that the controls describe. */
const written = () => `flags:
  ${FLAG}:
    description: The new checkout
    enabled: ${at('enabled').checked}
    rollout: { percentage: ${at('percentage').value} }
    variants:
      - { name: one_page, weight: ${at('one_page').value} }
      - { name: wizard, weight: ${at('wizard').value}, value: { steps: 4 } }
`;

/** Compiles the document and puts it in use. One with errors is reported, and changes nothing: then it answers `false`. */
function swap() {
  const text = written();
  const start = performance.now();
  const { snapshot: bytes, diagnostics } = compiler.compile(text);
  at('document').textContent = text;
  at('document').className = bytes === undefined ? 'refused' : '';
  const lines = diagnostics.map(({ severity, line, message }) => `${severity} in line ${line}: ${message}`);
  at('diagnostics').textContent = lines.join('\n');
  if (bytes === undefined) {
    at('loaded').textContent = 'refused, not in use';
    return false;
  }
  const [old, next] = [snapshot, engine.load(bytes)];
  // What the breaker says is no part of the document: a new snapshot is told.
  if (old) next.setTrip(next.flag(FLAG), old.trip(old.flag(FLAG)));
  snapshot = next;
  old?.free();
  const took = (performance.now() - start).toFixed(1);
  at('loaded').textContent = `${bytes.length} bytes, in use after ${took} ms`;
  return true;
}

const dots = Array.from({ length: 400 }, (_, index) => {
  const dot = document.createElement('input');
  return Object.assign(dot, { type: 'radio', name: 'person', value: `user-${index + 1}`, checked: index === 0 });
});
at('crowd').append(...dots);

const decision = (person) => snapshot.decision(FLAG, person, undefined, Date.now());
const shown = () => dots.map((dot) => dot.dataset.variant);
const still = matchMedia('(prefers-reduced-motion: reduce)');

/** Decides for everyone, and lets those who join be seen. */
function draw() {
  for (const dot of dots) {
    const variant = decision(dot.value).variant ?? 'off';
    if (dot.dataset.variant === 'off' && variant !== 'off' && !still.matches) dot.animate({ scale: [0.2, 1] }, 300);
    dot.dataset.variant = variant;
    dot.ariaLabel = `${dot.value}: ${variant}`;
  }
  const now = shown();
  for (const variant of variants) {
    const count = now.filter((each) => each === variant).length;
    document.querySelector(`#legend [data-variant=${variant}] b`).textContent = count;
  }
  drawPerson();
}

/** Shows the feature to the person who is chosen, and how the decision came about. */
function drawPerson() {
  const targetingKey = dots.find((dot) => dot.checked).value;
  const { variant, value } = decision(targetingKey);
  at('person').textContent = targetingKey;
  for (const view of at('views').children) view.ariaHidden = String(view.dataset.variant !== (variant ?? 'off'));
  if (value?.steps) at('steps').textContent = value.steps;
  const asked = { snapshot: snapshot.bytes(), trips: snapshot.trips(), flag: FLAG, targetingKey, now: Date.now() };
  at('why').textContent = compiler.explain(asked).text;
}

/** Says who joined and who left between two drawings. */
function tell(before, after) {
  const count = (of) => after.filter((variant, index) => of(before[index], variant)).length;
  const joined = count((was, is) => was === 'off' && is !== 'off');
  const left = count((was, is) => was !== 'off' && is === 'off');
  const switched = count((was, is) => was !== is) - joined - left;
  at('change').textContent = `${joined} joined, ${left} left, ${switched} switched variant.`;
}

function drawControls() {
  for (const output of document.querySelectorAll('form output')) {
    const { value, dataset } = at(output.htmlFor.value);
    output.textContent = value + (dataset.unit ?? '');
  }
  const state = snapshot.trip(snapshot.flag(FLAG));
  at('trip-state').textContent = state;
  at('trip').ariaPressed = String(state === 'off');
}

let before; // when the control that moves was let go last
function redraw() {
  draw();
  drawControls();
  if (before) tell(before, shown());
}

const form = document.querySelector('form');
form.addEventListener('input', () => {
  const good = swap();
  redraw();
  if (!good) at('change').textContent = 'Refused: the last good document stays.';
});
form.addEventListener('change', () => {
  before = shown();
});
at('trip').addEventListener('click', () => {
  const flag = snapshot.flag(FLAG);
  snapshot.setTrip(flag, snapshot.trip(flag) === 'clear' ? 'off' : 'clear');
  redraw();
  before = shown();
});
at('crowd').addEventListener('change', drawPerson);

swap();
redraw();
before = shown();
