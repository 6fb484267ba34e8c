/** What to type to run this command again: npm's scripts and npx find it where the shell may not. */
export const ownName = (env: Readonly<Record<string, string | undefined>>): string =>
  env['npm_lifecycle_event'] === undefined ? 'goqueue' : 'npx goqueue'
