/** The page as a whole: sign-in, then the frame with one page in it. */

import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Redirect, Route, Router, Switch, useLocation } from 'wouter-preact';
import { signedOut } from './data/http.ts';
import { failure, session, start } from './data/store.ts';
import { FlagBanner } from './pages/flag/banner.tsx';
import { FlagsPage } from './pages/flags/page.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { Banners, Side, Top } from './shell.tsx';
import { CommandDialog, lastDone } from './ui/command.tsx';
import { KeyList } from './ui/key-list.tsx';
import { later } from './ui/later.tsx';
import { useLinks } from './ui/link.tsx';
import { Waiting } from './ui/parts.tsx';
import { en } from './words/en.ts';

const FlagPage = later<{ flag: string }>(() => import('./pages/flag/page.tsx').then((module) => module.FlagPage));
const HistoryPage = later(() => import('./pages/history.tsx').then((module) => module.HistoryPage));
const AuditPage = later(() => import('./pages/audit.tsx').then((module) => module.AuditPage));
const HostsPage = later(() => import('./pages/hosts.tsx').then((module) => module.HostsPage));
const CohortsPage = later(() => import('./pages/cohorts/page.tsx').then((module) => module.CohortsPage));
const SettingsPage = later(() => import('./pages/settings.tsx').then((module) => module.SettingsPage));
const WhyPage = later(() => import('./pages/why.tsx').then((module) => module.WhyPage));
const ReviewPage = later(() => import('./pages/review/page.tsx').then((module) => module.ReviewPage));
const TextPage = later(() => import('./pages/text/page.tsx').then((module) => module.TextPage));

function Pages(): JSX.Element {
  return (
    <Switch>
      <Route path="/flags">
        <FlagsPage />
      </Route>
      <Route path="/flags/:key">
        {({ key }) => (
          <>
            <FlagBanner flag={decodeURIComponent(key)} />
            <FlagPage key={key} flag={decodeURIComponent(key)} />
          </>
        )}
      </Route>
      <Route path="/history">
        <HistoryPage />
      </Route>
      <Route path="/audit">
        <AuditPage />
      </Route>
      <Route path="/hosts">
        <HostsPage />
      </Route>
      <Route path="/cohorts">
        <CohortsPage />
      </Route>
      <Route path="/settings">
        <SettingsPage />
      </Route>
      <Route path="/why">
        <WhyPage />
      </Route>
      <Route path="/review">
        <ReviewPage />
      </Route>
      <Route path="/text">
        <TextPage />
      </Route>
      <Route path="/">
        <Redirect to="/flags" replace />
      </Route>
      <Route>
        <h1>{en.errors.notFound}</h1>
        <p>
          <a href="/ui/flags">{en.errors.home}</a>
        </p>
      </Route>
    </Switch>
  );
}

/** After a change of page the focus is at its beginning, as after a link to another document. */
function useFocusOnPage(): { current: HTMLElement | null } {
  const main = useRef<HTMLElement>(null);
  const [path] = useLocation();
  const first = useRef(true);
  useLayoutEffect(() => {
    const part = path.split('/')[1] ?? '';
    const name = decodeURIComponent(path.split('/')[2] ?? '') || (en.nav as unknown as Record<string, string>)[part];
    document.title = `${name ?? en.nav.flags} · ${en.product}`;
    if (!first.current) {
      window.scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [path]);
  return main;
}

function Frame(): JSX.Element {
  useLinks();
  const main = useFocusOnPage();
  return (
    <>
      <a class="skip" href="#main">
        {en.skip}
      </a>
      <div class="app">
        <Side />
        <div>
          <Top />
          <main id="main" tabIndex={-1} ref={main}>
            <Banners />
            <Pages />
          </main>
        </div>
      </div>
      <CommandDialog />
      <KeyList />
      <div class="hidden-text" role="status">
        {lastDone.value}
      </div>
    </>
  );
}

export function App(): JSX.Element {
  if (signedOut.value) return <SignIn />;
  if (!session.value) {
    return (
      <main class="sign-in">
        <Waiting text={en.top.connecting} problem={failure.value} retry={() => void start()} />
      </main>
    );
  }
  return (
    <Router base="/ui">
      <Frame />
    </Router>
  );
}
