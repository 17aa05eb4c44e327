/** The front page as plain text. */
export function greeting(entries) {
  const lines = entries.map((entry) => `  ${entry.name}: ${entry.message}`);
  return ['Welcome to the guestbook.', ...lines, ''].join('\n');
}
