// The pages that Kratos sends people to, each made of one component of Ory Elements.
import { type FlowError, FlowType, type LoginFlow, type RegistrationFlow, type Session, type SettingsFlow } from '@ory/client-fetch';
import { Error as ErrorCard, Login, Registration, Settings } from '@ory/elements-react/theme';
import { SessionProvider } from '@ory/elements-react/client';
import '@ory/elements-react/theme/styles.css';
import { type ReactNode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { config, frontend, read, start } from './server';

/** Loads once, then draws. */
function Loaded<Value>({ load, children }: { load: () => Promise<Value | null>; children: (value: Value) => ReactNode }) {
  const [value, setValue] = useState<Value | null>(null);
  useEffect(() => {
    load().then(setValue, (error: unknown) => {
      document.body.dataset['failure'] = String(error);
    });
  }, []);
  return value === null ? null : children(value);
}

function LoginPage() {
  const load = () => read<LoginFlow>(FlowType.Login, (id) => frontend.getLoginFlow({ id }));
  return <Loaded load={load}>{(flow) => <Login flow={flow} config={config} />}</Loaded>;
}

function RegistrationPage() {
  const load = () => read<RegistrationFlow>(FlowType.Registration, (id) => frontend.getRegistrationFlow({ id }));
  return <Loaded load={load}>{(flow) => <Registration flow={flow} config={config} />}</Loaded>;
}

function SettingsPage() {
  const load = () => read<SettingsFlow>(FlowType.Settings, (id) => frontend.getSettingsFlow({ id }));
  return (
    <SessionProvider baseUrl={config.sdk?.url}>
      <Loaded load={load}>{(flow) => <Settings flow={flow} config={config} />}</Loaded>
    </SessionProvider>
  );
}

function ErrorPage() {
  const id = new URLSearchParams(location.search).get('id') ?? '';
  return <Loaded load={(): Promise<FlowError> => frontend.getFlowError({ id })}>{(error) => <ErrorCard error={error} config={config} />}</Loaded>;
}

function Home() {
  const load = () => frontend.toSession().catch(() => {
    location.replace(start(FlowType.Login));
    return null;
  });
  const logOut = async () => location.assign((await frontend.createBrowserLogoutFlow()).logout_url);
  return (
    <Loaded load={load}>
      {(session: Session) => (
        <main>
          <h1>Welcome</h1>
          <p data-testid="email">{session.identity?.traits.email}</p>
          <p data-testid="name">{session.identity?.traits.name}</p>
          <p data-testid="identity">{session.identity?.id}</p>
          <p><a href={start(FlowType.Settings)}>Settings</a></p>
          <button type="button" onClick={() => void logOut()}>Log out</button>
        </main>
      )}
    </Loaded>
  );
}

const pages: Record<string, () => ReactNode> = {
  '/': Home,
  '/login': LoginPage,
  '/registration': RegistrationPage,
  '/settings': SettingsPage,
  '/error': ErrorPage,
};
const Page = pages[location.pathname] ?? Home;
const root = document.getElementById('page');
if (root) createRoot(root).render(<Page />);
