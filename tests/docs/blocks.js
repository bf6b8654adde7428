// What stands between the fences of a guide, and what is to be done with it.

/** What comes first in a block that is a file: a comment with its name. */
const NAMED = /^(?:\/\/|#|<!--) ([\w-]+\.[\w.]+)(?: -->)?$/;

const CODE = ['js', 'jsx', 'ts', 'tsx'];
const DATA = ['yaml', 'html'];

/**
 * @typedef {object} Block
 * @property {'code' | 'data' | 'output' | 'shell'} kind
 * @property {string | undefined} name of the file
 * @property {readonly string[]} words behind the language: how it is run
 * @property {string} text
 * @property {number} line
 */

/**
 * The fenced blocks of a guide. Every one is a file that is named, what a program prints, or for the shell; another is an error, because
 * nothing would try it.
 *
 * @param {string} markdown
 * @returns {Block[]}
 */
export function blocksOf(markdown) {
  const blocks = [...markdown.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(({ 1: info, 2: text, index }) => {
    const [language, ...words] = info.split(' ');
    const line = markdown.slice(0, index).split('\n').length;
    const name = NAMED.exec(text.split('\n')[0])?.[1];
    return { kind: kindOf(language, name, line), name, words, text, line };
  });
  const code = blocks.filter(({ kind }) => kind === 'code').map(({ name }) => name);
  const twice = code.find((name, at) => code.indexOf(name) !== at);
  if (twice) throw new Error(`\`${twice}\` stands there twice`);
  return blocks;
}

function kindOf(language, name, line) {
  if (language === 'sh') return 'shell';
  if (language === 'text') return 'output';
  const kind = CODE.includes(language) ? 'code' : DATA.includes(language) && 'data';
  if (!kind) throw new Error(`line ${line}: \`${language}\` is not known: use ts, js, yaml, html, text or sh`);
  if (!name) throw new Error(`line ${line}: the block does not begin with a comment that names its file`);
  return name.endsWith('.d.ts') ? 'data' : kind;
}

/**
 * Whether output is what a guide says; `…` stands for any characters of a line, and a line of it alone for any lines.
 *
 * @param {string} output
 * @param {string} expected
 */
export function isLike(output, expected) {
  const literal = (text) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  const patterns = expected
    .split(/(?<=\n)/)
    .map((line) => (line === '…\n' ? '(.*\n)*' : line.split('…').map(literal).join('.*')));
  return new RegExp(`^${patterns.join('')}$`).test(output);
}
