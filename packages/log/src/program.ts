/** The name of this program: its databases have it, so that no other one takes them for its own. */
export const PROGRAM = 'opendata-log';
