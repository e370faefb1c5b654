/** For a command line that the roster command does not understand. */
export const HINT =
  'Usage: npm run --silent roster -- hash-pin [PIN], or set-password NAME [--role moderator|supervisor]. See --help.';
