import { render } from 'preact';
import './styles/base.css';
import './styles/shell.css';
import './styles/flags.css';
import './styles/flag.css';
import './styles/pages.css';
import { App } from './app.tsx';
import { start } from './data/store.ts';

const root = document.getElementById('app');
if (root) {
  void start();
  render(<App />, root);
}
