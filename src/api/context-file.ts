import { z } from 'zod';

/**
 * `~/.config/rollway/contexts.json`: the servers a person's commands know. The token lies in a file of its own
 * (mode 0600); the server's first start writes the context `local`.
 */
export const contextFileSchema = z.object({
  current: z.string(),
  contexts: z.record(z.string(), z.object({ url: z.string(), tokenFile: z.string() })),
});
export type ContextFile = z.infer<typeof contextFileSchema>;
