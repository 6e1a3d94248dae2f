// Where Bia is, and Ory's client for it. The server of this page writes /config.json when it starts.
import { Configuration, FrontendApi, type FlowType, handleFlowError } from '@ory/client-fetch';
import type { OryClientConfiguration } from '@ory/elements-react';

const answer = await fetch('/config.json');
const { sdkUrl }: { sdkUrl: string } = await answer.json();

export const config: OryClientConfiguration = {
  sdk: { url: sdkUrl, options: { credentials: 'include' } },
  intl: { locale: 'en' },
  project: {
    name: 'A page on Ory Elements',
    default_redirect_url: `${location.origin}/`,
    error_ui_url: `${location.origin}/error`,
    login_ui_url: `${location.origin}/login`,
    registration_ui_url: `${location.origin}/registration`,
    settings_ui_url: `${location.origin}/settings`,
    recovery_ui_url: `${location.origin}/recovery`,
    verification_ui_url: `${location.origin}/verification`,
    registration_enabled: true,
    recovery_enabled: false,
    verification_enabled: false,
  },
};

export const frontend = new FrontendApi(
  new Configuration({ basePath: sdkUrl, credentials: 'include', headers: { Accept: 'application/json' } }),
);

/** Where a browser gets a new flow. */
export function start(flow: FlowType): string {
  return `${sdkUrl}/self-service/${flow}/browser${location.search}`;
}

/** Reads the flow of this page, or has a new one made when there is none that can be used. */
export async function read<Flow>(flow: FlowType, get: (id: string) => Promise<Flow>): Promise<Flow | null> {
  const id = new URLSearchParams(location.search).get('flow');
  if (!id) {
    location.replace(start(flow));
    return null;
  }
  try {
    return await get(id);
  } catch (error) {
    await handleFlowError<Flow>({
      onValidationError: () => undefined,
      onRestartFlow: () => location.replace(`${sdkUrl}/self-service/${flow}/browser`),
      onRedirect: (url) => location.replace(url),
    })(error);
    return null;
  }
}
