/**
 * The text editor. CodeMirror writes a `<style>` element into a document, which the page's policy refuses; in a shadow
 * root it uses adopted style sheets, so it lives in one.
 */

import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import {
  bracketMatching,
  defaultHighlightStyle,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  syntaxHighlighting,
} from '@codemirror/language';
import { linter, lintGutter, type Diagnostic as Shown } from '@codemirror/lint';
import { type ChangeSpec, Compartment, EditorState } from '@codemirror/state';
import { EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Diagnostic } from '../../engine.ts';
import { changesOf } from '../../ui/changes.ts';

const DELAY_MS = 150;

export interface Editor {
  readonly text: () => string;
  /** Changes only the lines that differ, so that the cursor stays where it is. */
  readonly setText: (text: string) => void;
  readonly goTo: (line: number, column: number) => void;
  readonly focus: () => void;
  readonly destroy: () => void;
}

export interface Options {
  readonly text: string;
  readonly label: string;
  readonly readOnly: boolean;
  readonly check: (text: string) => Promise<readonly Diagnostic[]>;
  readonly keys: () => readonly string[];
  readonly onChange: (text: string) => void;
}

const theme = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--panel)', fontSize: '12px', height: '62vh' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6' },
  '.cm-gutters': { backgroundColor: 'var(--code)', color: 'var(--ink3)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent) 8%, transparent)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-bg)' },
  '.cm-tooltip': { backgroundColor: 'var(--panel)', color: 'var(--ink)', border: '1px solid var(--line)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--accent-ink)' },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--ink3)', fontStyle: 'italic' },
  { tag: [tags.string, tags.content], color: 'var(--ok)' },
  { tag: [tags.number, tags.bool, tags.keyword], color: 'var(--hold)' },
]);

/** A place from 1 on as a place in the text; places behind the end are at the end. */
function place(view: EditorView, line: number, column: number): number {
  const found = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
  return Math.min(found.from + Math.max(0, column - 1), found.to);
}

function shownOf(view: EditorView, { severity, message, help, range }: Diagnostic): Shown {
  const from = place(view, range.start.line + 1, range.start.character + 1);
  const to = place(view, range.end.line + 1, range.end.character + 1);
  return {
    from,
    to: Math.max(from, to),
    severity: severity === 'hint' ? 'info' : severity,
    message: help ? `${message}\n${help}` : message,
  };
}

/** Offers the keys of documents where a key may stand. */
function complete(context: CompletionContext, keys: readonly string[]): CompletionResult | null {
  const word = context.matchBefore(/(^|[\s{,-])[a-z_]+$/);
  if (!word) return null;
  const from = word.from + word.text.search(/[a-z_]+$/);
  return { from, options: keys.map((label) => ({ label, type: 'property', apply: `${label}: ` })) };
}

/** What makes the text another one, line by line. */
function replacements({ state: { doc } }: EditorView, text: string): readonly ChangeSpec[] {
  const fresh = text.replaceAll('\r\n', '\n').split('\n');
  return changesOf(doc.toString().split('\n'), fresh).map(({ start, end, freshStart, freshEnd }) => {
    const insert = fresh.slice(freshStart, freshEnd).join('\n');
    if (start === end) {
      return start < doc.lines
        ? { from: doc.line(start + 1).from, insert: `${insert}\n` }
        : { from: doc.length, insert: `\n${insert}` };
    }
    const [from, to] = [doc.line(start + 1).from, doc.line(end).to];
    if (freshStart < freshEnd) return { from, to, insert };
    // Lines that go take the end of a line with them.
    return end < doc.lines ? { from, to: to + 1 } : { from: Math.max(0, from - 1), to };
  });
}

export function createEditor(root: ShadowRoot, parent: HTMLElement, options: Options): Editor {
  const access = new Compartment();
  // Inside, the editor has line feeds alone.
  const lineEnd = options.text.includes('\r\n') ? '\r\n' : '\n';
  const written = ({ doc }: EditorState) => doc.toString().replaceAll('\n', lineEnd);
  const view = new EditorView({
    parent,
    root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(),
        foldGutter(),
        history(),
        bracketMatching(),
        highlightActiveLine(),
        yaml(),
        syntaxHighlighting(colours),
        syntaxHighlighting(defaultHighlightStyle, { fallback: true }),
        lintGutter(),
        linter(async (editor) => (await options.check(written(editor.state))).map((one) => shownOf(editor, one)), {
          delay: DELAY_MS,
        }),
        autocompletion({ override: [(context) => complete(context, options.keys())] }),
        keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap]),
        access.of(EditorState.readOnly.of(options.readOnly)),
        EditorView.contentAttributes.of({ 'aria-label': options.label, tabindex: '0' }),
        EditorView.updateListener.of(({ docChanged, state }) => docChanged && options.onChange(written(state))),
        theme,
      ],
    }),
  });
  return {
    text: () => written(view.state),
    setText: (text) => view.dispatch({ changes: replacements(view, text) }),
    goTo(line, column) {
      const at = place(view, line, column);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) });
      view.focus();
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
