// Where the servers of one run are; tests/clients/run says so in the environment.

function named(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; start these tests with tests/clients/run`);
  return value;
}

export const publicUrl = named('PUBLIC_URL');
export const adminUrl = named('ADMIN_URL');
export const standInUrl = named('STAND_IN_URL');
/** The origin of the self-service UI. Nothing listens there: a browser that arrives has finished its trip. */
export const uiUrl = named('UI_URL');
/** The custom scheme that a native app has registered. */
export const appUrl = 'app.example://signed-in';
