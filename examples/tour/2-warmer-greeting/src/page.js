/** The front page as plain text. */
export function greeting(entries) {
  const lines = entries.map((entry) => `  ${entry.name} wrote: ${entry.message}`);
  const count = entries.length === 0 ? 'Be the first to sign.' : 'The newest lines:';
  return ['Welcome to the guestbook!', count, ...lines, ''].join('\n');
}
