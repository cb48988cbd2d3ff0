/**
 * Whether somebody can have meant this as a label's name. Any text is a name since Prometheus 3, but one of letters,
 * digits and underscores that begins with a digit is a mistake.
 */
export function isPlausibleLabelName(name: string): boolean {
  return name !== '' && name !== '__name__' && !/^[0-9][a-zA-Z0-9_]*$/.test(name);
}
